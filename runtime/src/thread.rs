//! What the system calls a thread.

/// The name of the thread with the system's number `thread`, as far as the system keeps it (15 bytes on Linux); empty
/// where it has ended or the system does not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn name(thread: u32) -> String {
    let name = std::fs::read(format!("/proc/self/task/{thread}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().to_owned()
}

/// The name of the thread with the system's number `thread`; always empty, because this system does not tell.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn name(_: u32) -> String {
    String::new()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn threads_have_the_names_they_were_given() {
        let named = std::thread::Builder::new().name("a name".to_owned());
        // The link that the kernel shows to the thread that reads it.
        let number = || {
            let link = std::fs::read_link("/proc/thread-self").unwrap();
            link.file_name().unwrap().to_str().unwrap().parse().unwrap()
        };
        let (told, name) =
            named.spawn(move || (number(), super::name(number()))).unwrap().join().unwrap();
        assert_eq!(name, "a name");
        assert_eq!(super::name(told), "", "it has ended");
    }
}
