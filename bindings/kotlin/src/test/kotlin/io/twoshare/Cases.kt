package io.twoshare

import java.lang.reflect.Modifier
import org.junit.jupiter.api.Assertions.assertAll
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.function.Executable

/**
 * A table of calls and the errors that they end with: variant, fields and text. An error is written
 * `Exception.Variant(field=value)`, what it comes from in the same way.
 */
class Cases {
    private class Case(val variant: String, val text: String, val call: suspend () -> Any?)

    private val cases = mutableListOf<Case>()

    fun add(variant: String, text: String, call: suspend () -> Any?) {
        cases += Case(variant, text, call)
    }

    /** Makes the calls, one after the other, and says of all of them what is not as it should be. */
    suspend fun check() {
        val results =
            cases.map { case ->
                val thrown =
                    try {
                        "nothing was thrown: ${case.call()}" to ""
                    } catch (error: Exception) {
                        describe(error) to steady(error.message)
                    }
                Executable { assertEquals(case.variant to case.text, thrown) }
            }
        assertAll(results)
    }
}

fun describe(error: Throwable): String {
    val type = error.javaClass
    val fields =
        type.declaredFields.filter { !Modifier.isStatic(it.modifiers) }.map { field ->
            field.isAccessible = true
            "${field.name}=${value(field.get(error))}"
        }
    val name = listOfNotNull(type.enclosingClass?.simpleName, type.simpleName).joinToString(".")
    return if (fields.isEmpty()) name else "$name(${fields.joinToString()})"
}

/** Without the seconds that have gone since, and the second that it is. */
private fun steady(text: String?) =
    "$text".replace(Regex("\\b259[12]\\d\\d\\b"), "72h").replace(Regex("\\b[12]\\d{9}\\b"), "then")

private fun value(value: Any?): String =
    when (value) {
        is Throwable -> describe(value)
        is FailedKeep -> "${value.store}: ${describe(value.error)}"
        is FailedFetch -> "${value.store}: ${describe(value.error)}"
        is SlotKind -> value.javaClass.simpleName
        is EnvelopeName -> "epoch ${value.epoch}"
        is List<*> -> value.joinToString(prefix = "[", postfix = "]") { value(it) }
        else -> steady("$value")
    }
