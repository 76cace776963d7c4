//! What is changed in the code that UniFFI generates. Each change says where it has to fit, so that another
//! version of the generator fails here and not in an app.

use crate::run::Failed;

/// The generated code as it is shipped.
pub(crate) fn adapt(generated: &str) -> Result<String, Failed> {
    let adapted = everything_thrown(generated)?;
    let adapted = quicker(&adapted)?;
    messages(&adapted)
}

/// What a call costs on the virtual machine, where UniFFI has JNA do what is long: see `cargo xtask bench border`.
fn quicker(generated: &str) -> Result<String, Failed> {
    let mut adapted = generated.to_owned();
    for (found, instead) in QUICKER {
        if adapted.matches(found).count() != 1 {
            return Err(Failed(format!(
                "UniFFI's Kotlin has not once `{found}`: its templates changed"
            )));
        }
        adapted = adapted.replace(found, instead);
    }
    let structure = ": Structure() {";
    if !adapted.contains(structure) {
        return Err(Failed(format!("UniFFI's Kotlin has no `{structure}`: its templates changed")));
    }
    Ok(adapted.replace(structure, ": UniffiStructure() {") + STRUCTURE)
}

/// JNA looks a structure's fields up whenever one is made, and gives each memory of its own that the collector has
/// to follow. Here the fields of each class are looked up once, and a page of memory is shared by what a thread makes
/// one after the other: it is freed when nothing in it is reachable any more.
const STRUCTURE: &str = r#"
/**
 * @suppress
 */
abstract class UniffiStructure : Structure() {
    override fun getFieldList(): List<java.lang.reflect.Field> =
        ArrayList(FIELDS.getOrPut(javaClass) { super.getFieldList() })

    override fun autoAllocate(size: Int): com.sun.jna.Memory {
        val taken = (size + 15L) and 15L.inv()
        if (taken > PAGE) {
            return super.autoAllocate(size)
        }
        var page = PAGES.get()
        if (page == null || page.used + taken > PAGE) {
            page = Page()
            PAGES.set(page)
        }
        val memory = page.memory.share(page.used, size.toLong()) as com.sun.jna.Memory
        page.used += taken
        return memory
    }

    private class Page {
        val memory = com.sun.jna.Memory(PAGE).apply { clear() }
        var used = 0L
    }

    private companion object {
        const val PAGE = 4096L
        val FIELDS = ConcurrentHashMap<Class<*>, List<java.lang.reflect.Field>>()
        val PAGES = ThreadLocal<Page?>()
    }
}
"#;

const QUICKER: [(&str, &str); 5] = [
    // A thread of the library's that calls is made known to the virtual machine, and JNA forgets it when that call
    // returns. It stays known until it ends, and holds no virtual machine up that wants to end.
    (
        "        Native.register(UniffiLib::class.java, findLibraryName(componentName = \"twoshare\"))\n",
        r#"        Native.register(UniffiLib::class.java, findLibraryName(componentName = "twoshare"))
        Native.setCallbackThreadInitializer(
            uniffiRustFutureContinuationCallbackImpl,
            com.sun.jna.CallbackThreadInitializer(true, false, "twoshare"),
        )
"#,
    ),
    // JNA reads and writes a structure's fields one by one, with reflection.
    (
        "   internal fun setValue(other: RustBuffer) {\n",
        r#"    override fun read() {
        val memory = pointer
        capacity = memory.getLong(0)
        len = memory.getLong(8)
        data = memory.getPointer(16)
    }

    override fun write() {
        val memory = pointer
        memory.setLong(0, capacity)
        memory.setLong(8, len)
        memory.setPointer(16, data)
    }

   internal fun setValue(other: RustBuffer) {
"#,
    ),
    (
        "            rbuf.writeField(\"len\", bbuf.position().toLong())\n",
        "            rbuf.len = bbuf.position().toLong()\n",
    ),
    // A status has memory of its own outside of the heap, and is written before each call and read after it: one for
    // each thread is enough, and of most calls only its first byte is looked at. A call within a call, as an app's
    // code makes them, has another one.
    (
        r#"    var status = UniffiRustCallStatus()
    val return_value = callback(status)
    uniffiCheckCallStatus(errorHandler, status)
    return return_value
}
"#,
        r#"    val status = uniffiTakeStatus()
    try {
        val return_value = callback(status)
        uniffiCheckCallStatus(errorHandler, status)
        return return_value
    } finally {
        uniffiStatus.set(status)
    }
}

private val uniffiStatus = ThreadLocal<UniffiRustCallStatus?>()

private fun uniffiTakeStatus(): UniffiRustCallStatus {
    val status = uniffiStatus.get() ?: UniffiRustCallStatus().apply { setAutoSynch(false) }
    uniffiStatus.set(null)
    status.clear()
    return status
}
"#,
    ),
    (
        "    if (status.isSuccess()) {\n",
        r#"    status.code = status.pointer.getByte(0)
    if (!status.isSuccess()) {
        val memory = status.pointer
        status.error_buf = RustBuffer.create(
            memory.getLong(8).toULong(), memory.getLong(16).toULong(), memory.getPointer(24))
    }
    if (status.isSuccess()) {
"#,
    ),
];

/// What an app's code throws reaches the library, errors of the virtual machine and `TODO()` among them:
/// UniFFI catches exceptions only, so that anything else ended the app on Android, and left the library
/// waiting elsewhere.
fn everything_thrown(generated: &str) -> Result<String, Failed> {
    let (caught, wanted) = ("} catch(e: kotlin.Exception) {", 4);
    let found = generated.matches(caught).count();
    if found != wanted {
        return Err(Failed(format!(
            "UniFFI's Kotlin has `{caught}` {found} times and not {wanted}: look at its templates"
        )));
    }
    Ok(generated.replace(caught, "} catch(e: kotlin.Throwable) {"))
}

/// An error's `text` and `message` are Rust's text, and its `cause` the error that it comes from. UniFFI makes the
/// message of the fields' names and values, and has no cause.
fn messages(generated: &str) -> Result<String, Failed> {
    let errors: Vec<&str> = generated.lines().filter_map(error_name).collect();
    let (mut adapted, mut changed, mut has_cause) = (String::new(), 0, false);
    let mut lines = generated.lines();
    while let Some(line) = lines.next() {
        let code = line.trim();
        if code.starts_with("class ") {
            has_cause = false;
        } else if let Some(source) = code.strip_prefix("val `source`: ") {
            has_cause = errors.contains(&source.trim_end_matches([',', ' ']));
        }
        adapted.push_str(line);
        adapted.push('\n');
        if let Some(name) = error_name(line) {
            adapted.push_str(&format!(
                "\n    /** What to tell a person, in English: what went wrong, and after each colon why. */\n    \
                 fun text(): kotlin.String = errorText(AnyError.{name}(this))\n"
            ));
        }
        if code == "override val message" {
            // `get() = "field=${ `field` }"`, of which a field's value could have any line.
            let made = lines.next().unwrap_or_default().trim();
            if !made.starts_with("get() = \"") || !made.ends_with('"') {
                return Err(Failed(format!("UniFFI's Kotlin has a message that is `{made}`")));
            }
            adapted.push_str("            get() = text()\n");
            if has_cause {
                adapted.push_str("        override val cause\n            get() = `source`\n");
            }
            changed += 1;
        }
    }
    if errors.is_empty() || changed < errors.len() {
        let errors = errors.len();
        return Err(Failed(format!("UniFFI's Kotlin has {errors} errors, {changed} messages")));
    }
    Ok(adapted)
}

/// The error whose class begins in this line.
fn error_name(line: &str) -> Option<&str> {
    line.strip_prefix("sealed class ")?.strip_suffix(": kotlin.Exception() {")
}
