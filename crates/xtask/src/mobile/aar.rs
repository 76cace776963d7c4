//! What an Android app links: an archive of a manifest, classes, and the library for each processor. The
//! libraries are linked by the NDK.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    Linker, Platform, archive::Machine, bionic, bytes, copy, declared, defines_all, fresh, mib,
    not_here, swift, symbols, toolchain,
};
use crate::{
    run::{Failed, Steps, output, root, run, target},
    tools::on_path,
};

/// A processor, as Android names it.
#[derive(Debug)]
struct Abi {
    name: &'static str,
    platform: Platform,
    /// What the NDK's compiler for it begins with.
    compiler: &'static str,
}

const ABIS: [Abi; 3] = [
    Abi {
        name: "arm64-v8a",
        platform: Platform::of("aarch64-linux-android", Machine::ElfArm64),
        compiler: "aarch64-linux-android",
    },
    Abi {
        name: "armeabi-v7a",
        platform: Platform::of("armv7-linux-androideabi", Machine::ElfArm),
        compiler: "armv7a-linux-androideabi",
    },
    Abi {
        name: "x86_64",
        platform: Platform::of("x86_64-linux-android", Machine::ElfX86),
        compiler: "x86_64-linux-android",
    },
];

/// Android 8, as in the manifest.
const API: u32 = 26;
const LIBRARY: &str = "libtwoshare_ffi.so";
/// Pages of 16 KiB, which some devices have; relocations in a form that Android 8 reads.
const OPTIONS: [&str; 3] = ["-zmax-page-size=16384", "--pack-dyn-relocs=android", "--strip-all"];

/// Makes `target/aar/twoshare.aar`; where there is no NDK, everything of it but the libraries.
pub(super) fn make(steps: &mut Steps) {
    let out = target().join("aar");
    let folder = out.join("twoshare");
    let mut names = Vec::new();
    steps.step("aar: the border", || {
        fresh(&folder)?;
        names = declared(&swift()?.join("TwoshareFFI.h"))?;
        println!("{} functions", names.len());
        Ok(())
    });
    let ndk = ndk();
    match &ndk {
        Some(ndk) => {
            for abi in &ABIS {
                steps.step(&format!("aar: {}", abi.name), || {
                    let library = abi.shared_library(ndk, &names)?;
                    // Where a build by Gradle takes it from.
                    let generated = root().join("bindings/kotlin/src/generated/jniLibs");
                    copy(&library, &generated.join(abi.name).join(LIBRARY))?;
                    copy(&library, &folder.join("jni").join(abi.name).join(LIBRARY))
                });
            }
        }
        None => {
            let [abi, ..] = &ABIS;
            steps.step(&format!("aar: {}, without the NDK", abi.name), || abi.try_to_link(&names));
        }
    }
    steps.step("aar: layout", || lay_out(&folder));
    steps.step("aar: packing", || {
        let name = if ndk.is_some() { "twoshare.aar" } else { "twoshare-without-libraries.aar" };
        pack(&folder, &out.join(name), ndk.is_some())
    });
    if ndk.is_none() {
        not_here(
            "linking libtwoshare_ffi.so for a phone, of which the AAR is empty",
            "there is no NDK: ANDROID_NDK_HOME names none",
        );
    }
}

impl Abi {
    fn shared_library(&self, ndk: &Path, names: &[String]) -> Result<PathBuf, Failed> {
        let built = self.platform.static_library()?;
        defines_all(&built.archive, names, "")?;
        let tools = ndk.join("toolchains/llvm/prebuilt").join(host()).join("bin");
        let suffix = if cfg!(windows) { ".cmd" } else { "" };
        let compiler = tools.join(format!("{}{API}-clang{suffix}", self.compiler));
        let library = built.path.with_file_name(LIBRARY);
        built.link(Linker::Compiler(Command::new(compiler)), &OPTIONS, &library)?;
        let listed = output(
            Command::new(tools.join("llvm-nm")).args(["-D", "--defined-only"]).arg(&library),
        )?;
        let exported = listed.lines().filter_map(|line| line.split_whitespace().last());
        exports_all(&library, exported.map(str::to_owned).collect(), names)?;
        Ok(library)
    }

    /// Links without any library of Android's, and sees that what is then missing is what its own has.
    fn try_to_link(&self, names: &[String]) -> Result<(), Failed> {
        let built = self.platform.static_library()?;
        defines_all(&built.archive, names, "")?;
        let Some(linker) = toolchain::lld() else {
            not_here("linking for Android without its NDK", "there is neither rust-lld nor ld.lld");
            return Ok(());
        };
        let library = built.path.with_file_name(LIBRARY);
        built.link(Linker::Bare(linker), &OPTIONS, &library)?;
        let linked = bytes(&library)?;
        let dynamic = symbols::dynamic(&linked)?;
        exports_all(&library, dynamic.exported, names)?;
        println!(
            "{}: {:.2} MiB without the unwinder; it needs {} functions",
            library.display(),
            mib(linked.len()),
            dynamic.needed.len()
        );
        let strange: Vec<&str> =
            dynamic.needed.iter().map(String::as_str).filter(|name| !bionic::has(name)).collect();
        match strange.as_slice() {
            [] => Ok(()),
            strange => Err(Failed(format!(
                "Android {API} may not have {}, which {} needs",
                strange.join(", "),
                library.display()
            ))),
        }
    }
}

fn exports_all(library: &Path, exported: BTreeSet<String>, names: &[String]) -> Result<(), Failed> {
    match names.iter().find(|name| !exported.contains(*name)) {
        None => Ok(()),
        Some(name) => Err(Failed(format!("{} does not export {name}", library.display()))),
    }
}

fn ndk() -> Option<PathBuf> {
    ["ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_NDK_LATEST_HOME"]
        .into_iter()
        .filter_map(env::var_os)
        .map(PathBuf::from)
        .find(|folder| folder.join("toolchains/llvm/prebuilt").is_dir())
}

const fn host() -> &'static str {
    if cfg!(target_os = "macos") {
        "darwin-x86_64"
    } else if cfg!(windows) {
        "windows-x86_64"
    } else {
        "linux-x86_64"
    }
}

/// Everything besides the libraries, as Android's documentation has the archive.
fn lay_out(folder: &Path) -> Result<(), Failed> {
    let sources = root().join("bindings/kotlin");
    let android = sources.join("src/android");
    let manifest = android.join("AndroidManifest.xml");
    let text = fs::read_to_string(&manifest).map_err(|error| failed(&manifest, &error))?;
    super::write(&folder.join("AndroidManifest.xml"), of_a_package(&text)?)?;
    copy(&sources.join("android/consumer-rules.pro"), &folder.join("proguard.txt"))?;
    let mut resources = String::new();
    for file in files(&android.join("res"))? {
        let inside = file.strip_prefix(&android).unwrap_or(&file);
        copy(&file, &folder.join(inside))?;
        let kind = inside.iter().nth(1).map(|kind| kind.to_string_lossy().into_owned());
        let name = inside.file_stem().map(|name| name.to_string_lossy().into_owned());
        if let (Some(kind), Some(name)) = (kind, name) {
            resources += &format!("int {kind} {name} 0x0\n");
        }
    }
    super::write(&folder.join("R.txt"), resources)?;
    let jar = folder.join("classes.jar");
    let parts = crate::kotlin::compiled()?;
    let folders: Vec<_> = parts.iter().map(|(folder, _)| (folder.clone(), ".")).collect();
    archive(&jar, &folders)?;
    let listed = listing(&jar)?;
    let modules = parts.iter().map(|(_, module)| module.as_str());
    for wanted in
        ["io/twoshare/Client.class", "io/twoshare/android/PhoneKt.class"].into_iter().chain(modules)
    {
        if !listed.iter().any(|name| name == wanted) {
            return Err(Failed(format!("classes.jar lacks {wanted}")));
        }
    }
    // What stands for Android in the tests is on every phone already.
    let strange = listed.iter().find(|name| {
        !name.ends_with('/') && !name.starts_with("io/twoshare/") && !name.starts_with("META-INF/")
    });
    match strange {
        Some(name) => Err(Failed(format!("classes.jar has {name}"))),
        None => Ok(()),
    }
}

/// A library's manifest says its package and the oldest system, which a build by Gradle adds.
fn of_a_package(manifest: &str) -> Result<String, Failed> {
    let (before, rest) = manifest
        .split_once("<manifest ")
        .ok_or_else(|| Failed("AndroidManifest.xml has no <manifest>".to_owned()))?;
    let (attributes, rest) = rest
        .split_once('>')
        .ok_or_else(|| Failed("AndroidManifest.xml does not end <manifest>".to_owned()))?;
    Ok(format!(
        "{before}<manifest {attributes} package=\"io.twoshare\">\n    <uses-sdk android:minSdkVersion=\"{API}\" />{rest}"
    ))
}

/// Packs the folder, and reads back what is in it.
fn pack(folder: &Path, aar: &Path, with_libraries: bool) -> Result<(), Failed> {
    let _ = fs::remove_file(aar);
    archive(aar, &[(folder.to_owned(), ".")])?;
    let listed = listing(aar)?;
    let mut wanted =
        ["AndroidManifest.xml", "classes.jar", "R.txt", "proguard.txt"].map(str::to_owned).to_vec();
    if with_libraries {
        wanted.extend(ABIS.iter().map(|abi| format!("jni/{}/{LIBRARY}", abi.name)));
    }
    match wanted.iter().find(|wanted| !listed.contains(wanted)) {
        Some(missing) => Err(Failed(format!("{} lacks {missing}", aar.display()))),
        None => {
            println!("{}: {} files", aar.display(), listed.len());
            Ok(())
        }
    }
}

/// The JDK's program for archives, which an Android build has.
fn jar() -> Result<PathBuf, Failed> {
    let of_home = env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/jar"));
    of_home.filter(|jar| jar.is_file()).or_else(|| on_path("jar")).ok_or_else(|| {
        Failed("jar is neither in JAVA_HOME nor on the PATH; it is part of a JDK".to_owned())
    })
}

/// Packs what is inside of these folders.
fn archive(file: &Path, contents: &[(PathBuf, &str)]) -> Result<(), Failed> {
    let mut pack = Command::new(jar()?);
    pack.arg("cfM").arg(file);
    for (folder, inside) in contents {
        pack.arg("-C").arg(folder).arg(inside);
    }
    run(&mut pack)
}

fn listing(file: &Path) -> Result<Vec<String>, Failed> {
    let listed = output(Command::new(jar()?).arg("tf").arg(file))?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// The files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
        let path = entry.map_err(|error| failed(folder, &error))?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn failed(path: &Path, error: &std::io::Error) -> Failed {
    Failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_says_its_package() {
        let text = "<?xml?>\n<manifest xmlns:android=\"a\">\n    <x />\n</manifest>\n";
        let made = of_a_package(text).unwrap();
        assert!(made.contains("<manifest xmlns:android=\"a\" package=\"io.twoshare\">\n"));
        assert!(made.contains("<uses-sdk android:minSdkVersion=\"26\" />\n    <x />"));
        assert!(of_a_package("<application />").is_err());
    }
}
