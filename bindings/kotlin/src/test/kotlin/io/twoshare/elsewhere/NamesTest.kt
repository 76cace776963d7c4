package io.twoshare.elsewhere

import io.twoshare.*
import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** What an app has to know of names that others have too: README.md says it. */
class NamesTest {
    /** Every public class of the package. */
    private val names: List<String> = run {
        val classes = File(Client::class.java.protectionDomain.codeSource.location.toURI())
        val files = File(classes, "io/twoshare").listFiles { file -> file.extension == "class" && '$' !in file.name }
        files.orEmpty().map { it.nameWithoutExtension }
    }

    private fun inPackages(vararg packages: String): Set<String> =
        packages.flatMap { other -> names.map { "$other.$it" } }.filter(::isPublic).toSet()

    private fun isPublic(name: String): Boolean =
        try {
            java.lang.reflect.Modifier.isPublic(Class.forName(name, false, javaClass.classLoader).modifiers)
        } catch (_: ClassNotFoundException) {
            false
        }

    @Test
    fun `what Kotlin imports by itself gives way`() {
        val kotlin =
            listOf("annotation", "collections", "comparisons", "io", "ranges", "sequences", "text", "jvm").map { "kotlin.$it" }
        assertTrue("Client" in names && "Record" in names)
        assertEquals(setOf("java.lang.Record"), inPackages("java.lang", "kotlin", *kotlin.toTypedArray()))
        assertEquals("io.twoshare.Record", Record::class.java.name)
    }

    @Test
    fun `what is ambiguous beside other packages`() {
        val others =
            inPackages(
                "java.io", "java.lang.reflect", "java.net", "java.nio.file", "java.security", "java.text", "java.time",
                "java.util", "java.util.concurrent", "java.util.function", "javax.crypto", "kotlin.coroutines", "kotlin.time",
                "kotlinx.coroutines", "kotlinx.coroutines.channels", "kotlinx.coroutines.flow", "kotlinx.coroutines.sync",
            )
        val expected =
            setOf(
                "java.lang.reflect.Method", "java.security.DigestException", "java.security.SignatureException",
                "java.text.ParseException",
            )
        assertEquals(expected, others)
    }
}
