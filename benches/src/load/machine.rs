//! What a process and this machine have done, as Linux tells it.

use std::{
    fs,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use super::{Failure, figure::Spread};

/// How many of the units in which Linux counts processor time are a second, on every machine.
const TICKS: f64 = 100.0;

/// Processors, and what the disk takes for itself.
pub(super) fn describe(directory: &Path) -> Result<String, Failure> {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches(['\t', ' ', ':']);
    let syncs = Spread::of(sync_times(directory)?);
    Ok(format!(
        "{processors} processors ({model}); the disk alone takes {:.2} ms to synchronise 12 KiB; {}",
        syncs.median(),
        busy(),
    ))
}

/// How much others do on this machine.
pub(super) fn busy() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let last = load.split(' ').next().unwrap_or("?").to_owned();
    format!("load average of the last minute: {last}")
}

fn sync_times(directory: &Path) -> Result<Vec<f64>, Failure> {
    // Without a name: others may measure on this disk too.
    let mut file = tempfile::tempfile_in(directory)?;
    let mut times = Vec::new();
    for _ in 0..51 {
        file.write_all(&[7; 12 * 1024])?;
        let start = Instant::now();
        file.sync_data()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

/// The processor time of a process so far.
pub(super) fn processor_time(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // After the name, which may have spaces in it, from the third field on.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some(Duration::from_secs_f64((ticks()? + ticks()?) / TICKS))
}

/// The memory that a process holds, in MiB.
pub(super) fn resident(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// How much the disk was given of a process, in bytes.
pub(super) fn written(process: u32) -> Option<u64> {
    let io = fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.parse().ok()
}
