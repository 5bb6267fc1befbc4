//! The programs whose hot function is called: the same loop for all, each with what its tool needs around it.

use std::path::Path;

use crate::edit_to_live::hot_crate::HotCrate;
use crate::edit_to_live::listen::VARIABLE;

/// What is generated around a copy of the hot crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Texts {
    /// The host's `main.rs`, or what follows the hot crate's root in it.
    pub(crate) host: String,
    /// The rest of the host's manifest.
    pub(crate) host_dependencies: String,
    /// The rest of the hot crate's manifest; `None` where it is part of the host.
    pub(crate) hot: Option<String>,
}

/// Reports each new value, and ends with the bench. `VALUE` is the call.
const LOOP: &str = r#"
    let address = std::env::var("VARIABLE").expect("the bench sets VARIABLE");
    let mut bench = std::net::TcpStream::connect(address).expect("the bench listens");
    bench.set_nodelay(true).expect("a socket of the loopback");
    let mut end = bench.try_clone().expect("a second handle");
    std::thread::spawn(move || {
        let _ = std::io::Read::read(&mut end, &mut [0]);
        std::process::exit(0);
    });
    let mut last = None;
    loop {
        let value: u64 = VALUE;
        if last != Some(value) {
            std::io::Write::write_all(&mut bench, format!("value {value}\n").as_bytes())
                .expect("the bench listens");
            last = Some(value);
        }
        // hot-lib-reloader swaps only while nobody calls, and compilers need the processors.
        std::thread::sleep(std::time::Duration::from_micros(500));
    }
"#;

fn main_loop(value: &str) -> String {
    LOOP.replace("VALUE", value).replace("VARIABLE", VARIABLE)
}

impl Texts {
    /// A host of Liveswap, as its README shows it.
    pub(crate) fn liveswap(name: &str, hot: &HotCrate, checkout: &Path) -> Texts {
        let ours = |package: &str, folder: &str| {
            format!("{package} = {{ path = {:?} }}\n", checkout.join(folder))
        };
        let body = main_loop(&hot.call("hot"));
        Texts {
            host: format!(
                "fn main() {{\n    let _runtime = liveswap::Runtime::start(hot::hot_crate())\
                 .expect(\"a runtime\");\n{body}}}\n"
            ),
            host_dependencies: format!(
                "[dependencies]\nhot = {{ package = \"{name}-hot\", path = \"../hot\" }}\n{}",
                ours("liveswap", "runtime")
            ),
            hot: Some(format!(
                "[dependencies]\n{}{}{}",
                ours("liveswap-abi", "abi"),
                ours("liveswap-macros", "macros"),
                hot.dependencies
            )),
        }
    }

    /// The same, with a `cdylib` beside the `rlib`, so that cargo alone makes an artifact.
    pub(crate) fn with_cdylib(self) -> Texts {
        let library = "[lib]\ncrate-type = [\"rlib\", \"cdylib\"]\n\n";
        Texts { hot: self.hot.map(|rest| format!("{library}{rest}")), ..self }
    }

    /// A host of hot-lib-reloader, as its README shows it; `debounce` in milliseconds where it is not the default.
    pub(crate) fn peer(
        name: &str,
        hot: &HotCrate,
        libraries: &Path,
        debounce: Option<u32>,
    ) -> Texts {
        let library = format!("{name}_hot").replace('-', "_");
        let debounce =
            debounce.map_or_else(String::new, |it| format!(", file_watch_debounce = {it}"));
        let types: String =
            hot.types().iter().map(|name| format!("    pub use hot_types::{name};\n")).collect();
        let body = main_loop(&hot.call("hot"));
        let declaration = hot.declaration();
        Texts {
            host: format!(
                "#[hot_lib_reloader::hot_module(dylib = {library:?}, lib_dir = {libraries:?}{debounce})]\n\
                 mod hot {{\n{types}    #[hot_functions]\n    extern \"Rust\" {{\n        \
                 {declaration}\n    }}\n}}\n\nfn main() {{{body}}}\n"
            ),
            host_dependencies: format!(
                "[dependencies]\nhot-lib-reloader = \"0.8.2\"\n\
                 hot_types = {{ package = \"{name}-hot\", path = \"../hot\" }}\n"
            ),
            hot: Some(format!(
                "[lib]\ncrate-type = [\"rlib\", \"dylib\"]\n\n[dependencies]\n{}",
                hot.dependencies
            )),
        }
    }

    /// A host for `dx`: the hot crate is part of the program, where `dx` is at its fastest.
    pub(crate) fn dx(hot: &HotCrate) -> Texts {
        let call = format!("dioxus_devtools::subsecond::call(|| {})", hot.call("crate"));
        let body = main_loop(&call);
        Texts {
            host: format!("fn main() {{\n    dioxus_devtools::connect_subsecond();\n{body}}}\n"),
            host_dependencies: format!(
                "[dependencies]\ndioxus-devtools = {{ version = \"0.7\", default-features = false }}\n{}",
                hot.dependencies
            ),
            hot: None,
        }
    }
}
