//! What is changed in the code that UniFFI generates. Each change says where it has to fit, so that another
//! version of the generator fails here and not in an app.

use crate::run::Failed;

/// The generated code as it is shipped.
pub(crate) fn adapt(generated: &str) -> Result<String, Failed> {
    let adapted = everything_thrown(generated)?;
    messages(&adapted)
}

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
