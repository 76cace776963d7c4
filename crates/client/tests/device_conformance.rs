//! Every device keeps the contract, with a runtime and without.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use std::{path::Path, thread, time::Duration};

use tempfile::TempDir;
use twoshare::{
    FileDevice,
    core::{conformance::block_on, method::Password},
    device::{OpenDeviceError, PlatformKey},
};

/// Opens a new device, and the same one again.
fn opener(password: Option<&'static str>) -> impl Fn() -> FileDevice {
    opener_with(move |path| {
        let password = password.map(|password| Password::new(password).unwrap());
        block_on(FileDevice::open(path, password))
    })
}

fn opener_with_platform_key() -> impl Fn() -> FileDevice {
    let key = PlatformKey::make(&mut twoshare::rng());
    opener_with(move |path| block_on(FileDevice::open_with_platform_key(path, key.clone())))
}

fn opener_with(
    open: impl Fn(&Path) -> Result<FileDevice, OpenDeviceError>,
) -> impl Fn() -> FileDevice {
    let folder = TempDir::new().unwrap();
    move || {
        for _ in 0..1000 {
            match open(folder.path()) {
                Ok(device) => return device,
                // A save whose future was dropped still goes on.
                Err(OpenDeviceError::InUse { .. }) => thread::sleep(Duration::from_millis(5)),
                Err(error) => panic!("{error:?}"),
            }
        }
        panic!("the device is in use for five seconds");
    }
}

fn on_tokio<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap().block_on(future)
}

mod memory {
    twoshare::device_state_conformance!({
        let device = twoshare::MemoryDevice::new();
        move || device.clone()
    });
}

mod files {
    twoshare::device_state_conformance!(super::opener(None));
}

mod files_on_a_runtime {
    twoshare::device_state_conformance!(super::opener(None), super::on_tokio);
}

mod files_under_a_password {
    twoshare::device_state_conformance!(
        super::opener(Some("a device's password")),
        super::on_tokio
    );
}

mod files_under_a_platform_key {
    twoshare::device_state_conformance!(super::opener_with_platform_key(), super::on_tokio);
}
