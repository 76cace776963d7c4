//! The code of the package's README, as a source file that the tests compile and run.

use std::fmt::Write as _;

use crate::run::Failed;

/// Blocks that start with this are one function, in their order: the walk from nothing to a drilled
/// backup. Those of Android are another one.
const WALK: &str = "```kotlin";
const ANDROID: &str = "```kotlin android";

/// The functions `walk` and `android`, of the README's blocks.
pub(crate) fn functions(readme: &str) -> Result<String, Failed> {
    let walk = blocks(readme, WALK);
    let android = blocks(readme, ANDROID);
    if walk.is_empty() || android.is_empty() {
        return Err(Failed("the README of bindings/kotlin has no code to test".to_owned()));
    }
    let (imports, mut code) = (
        "import java.io.File\nimport android.content.Context\n",
        String::from("// The code blocks of README.md, as they are there.\n"),
    );
    let mut hoisted: Vec<&str> = imports.lines().collect();
    hoisted.extend(walk.iter().chain(&android).filter(|line| is_import(line)));
    hoisted.sort_unstable();
    hoisted.dedup();
    code.push_str(
        "@file:Suppress(\"UNUSED_VARIABLE\", \"unused\")\n\npackage io.twoshare.readme\n\n",
    );
    for line in hoisted {
        let _ = writeln!(code, "{line}");
    }
    let parameters = "custodianUrl: String, custodianKey: String, token: String";
    let _ = writeln!(code, "\nsuspend fun walk({parameters}, folder: File) {{");
    body(&mut code, &walk);
    let _ = writeln!(code, "\nsuspend fun android({parameters}, context: Context) {{");
    body(&mut code, &android);
    Ok(code)
}

fn body(code: &mut String, lines: &[&str]) {
    for line in lines.iter().filter(|line| !is_import(line)) {
        let _ = writeln!(code, "    {line}");
    }
    code.push_str("}\n");
}

fn is_import(line: &str) -> bool {
    line.starts_with("import ")
}

/// The lines of all blocks that this fence opens.
fn blocks<'a>(readme: &'a str, fence: &str) -> Vec<&'a str> {
    let (mut lines, mut inside) = (Vec::new(), false);
    for line in readme.lines() {
        match inside {
            false => inside = line == fence,
            true if line == "```" => inside = false,
            true => lines.push(line),
        }
    }
    lines
}
