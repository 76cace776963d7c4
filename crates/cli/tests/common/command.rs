//! The command, run as a process.

use std::{
    ffi::OsStr,
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

/// The command with these arguments, without a terminal and without the variables that it reads.
pub(crate) fn twoshare<'a>(args: impl IntoIterator<Item = &'a str>) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twoshare"));
    command.args(args);
    for name in ["PASSWORD", "NEW_PASSWORD", "CODE", "DEVICE", "DEVICE_PASSWORD"] {
        command.env_remove(format!("TWOSHARE_{name}"));
    }
    Run { command, input: Vec::new() }
}

pub(crate) struct Run {
    command: Command,
    input: Vec<u8>,
}

pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn with_input(mut self, input: &[u8]) -> Self {
        self.input = input.to_vec();
        self
    }

    pub(crate) fn run(mut self) -> Output {
        let piped =
            self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // It may end before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(&self.input);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("panicked"), "{stderr}");
        Output {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr,
        }
    }

    /// The one object that a command with `--json` answers.
    pub(crate) fn success(self) -> Value {
        let output = self.run();
        assert_eq!(output.code, 0, "{}", output.stderr);
        serde_json::from_str(&output.stdout).unwrap()
    }

    /// The error of a command with `--json` that ends with this code.
    pub(crate) fn failure(self, code: i32) -> Value {
        let output = self.run();
        assert_eq!(output.code, code, "{}{}", output.stdout, output.stderr);
        let mut answer: Value = serde_json::from_str(&output.stdout).unwrap();
        let error = answer["error"].take();
        assert!(error["code"].is_string() && error["message"].is_string(), "{error}");
        error
    }
}
