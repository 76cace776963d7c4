//! The program as it is shipped: how long until it answers, and what it holds when it is idle.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use super::{
    Failure, Load,
    figure::{Spread, Target, alone},
    machine,
};

/// From the start to the first answer, in milliseconds.
const READY: Target = Target::AtMost(300.0);

/// How long a server is left alone before its memory is looked at.
const IDLE: Duration = Duration::from_secs(1);

pub(super) fn measure(load: &Load) -> Result<(), Failure> {
    let Some(program) = &load.custodian else {
        println!("server: there is no twoshare-custodian beside this program: build it too");
        return Ok(());
    };
    let (mut first, mut again, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..load.sizes.starts {
        let directory = tempfile::tempdir_in(&load.directory)?;
        let (millis, running) = start(program, directory.path())?;
        first.push(millis);
        running.stop()?;
        let (millis, running) = start(program, directory.path())?;
        again.push(millis);
        sleep(IDLE);
        memory.push(machine::resident(running.0.id()).unwrap_or(f64::NAN));
        running.stop()?;
    }
    alone("server, first start: ms until it is ready", &Spread::of(first), READY);
    alone("server, later start: ms until it is ready", &Spread::of(again), READY);
    alone("server, idle: memory, MiB", &Spread::of(memory), Target::AtMost(40.0));
    Ok(())
}

/// Killed when it is dropped.
struct Running(Child);

fn start(program: &Path, directory: &Path) -> Result<(f64, Running), Failure> {
    let began = Instant::now();
    let mut command = Command::new(program);
    command.arg("serve").arg("--data").arg(directory).args(["--listen", "127.0.0.1:0"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut running = Running(child);
    let mut said = String::new();
    BufReader::new(running.0.stdout.take().ok_or("no output")?).read_line(&mut said)?;
    let said: serde_json::Value = serde_json::from_str(&said)?;
    let url = said.get("listening").and_then(|url| url.as_str()).ok_or("it listens nowhere")?;
    let mut stream = TcpStream::connect(url.trim_start_matches("http://"))?;
    stream
        .write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200 ") {
        Ok((began.elapsed().as_secs_f64() * 1e3, running))
    } else {
        Err(answer.into())
    }
}

impl Running {
    /// As its operator stops it.
    fn stop(mut self) -> Result<(), Failure> {
        Command::new("kill").arg(self.0.id().to_string()).status()?;
        let _ended = self.0.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _gone = self.0.wait();
    }
}
