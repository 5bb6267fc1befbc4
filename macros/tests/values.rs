//! Hot values are read through the current table, and their generation is held for as long as they are lent.

#![allow(clippy::unwrap_used)]

use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuning {
    pub speed: f32,
    pub lives: u8,
}

/// What a later generation says stands beside it.
#[hot]
pub static TUNING: Tuning = Tuning { speed: 1.5, lives: 3 };

#[hot]
static LATER: Tuning = Tuning { speed: 9.0, lives: 1 };

#[hot]
#[cfg(test)]
#[allow(non_upper_case_globals)]
static words: &[Option<&str>] = &[Some("one"), None];

#[hot]
fn lives() -> u8 {
    TUNING.with(|tuning| tuning.lives)
}

fn local() -> u32 {
    #[hot]
    static INSIDE: u32 = 6 + 1;
    INSIDE.get()
}

mod inner {
    use super::Tuning;
    use liveswap_macros::hot;

    #[hot]
    pub(super) static SLOW: Tuning = Tuning { speed: 0.1, ..START };

    const START: Tuning = Tuning { speed: 0.0, lives: 2 };
}

#[test]
fn without_a_runtime_a_value_is_the_one_as_written() {
    assert_eq!(words.with(|all| all.len()), 2);
    assert_eq!(words.get()[0], Some("one"));
    assert_eq!((local(), inner::SLOW.get()), (7, Tuning { speed: 0.1, lives: 2 }));
    assert_eq!(LATER.get().lives, 1);
    let across = std::thread::spawn(|| LATER.with(|later| later.speed));
    assert_eq!(across.join().unwrap(), 9.0);
    assert_eq!(format!("{TUNING:?}"), "HotValue { .. }");
}

#[cfg(debug_assertions)]
mod swapped {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::{Mutex, PoisonError};

    use liveswap_abi::dispatch::{Dispatch, Target};
    use liveswap_abi::function::FunctionEntry;
    use liveswap_abi::gate::{Hold, HoldKind};
    use liveswap_abi::layout::Catalog;
    use liveswap_abi::manifest;

    use super::{TUNING, hot_crate, lives};

    fn entry(name: &str) -> &'static FunctionEntry {
        let path = format!("{}::{name}", module_path!().trim_end_matches("::swapped"));
        let mut entries = hot_crate().functions().iter();
        entries.find(|entry| entry.path() == path).unwrap()
    }

    const LIVES: usize = 0;
    const VALUE: usize = 1;

    fn table(number: u64, value: Target) -> &'static Dispatch {
        entry("lives").set_slot(LIVES);
        entry("TUNING").set_slot(VALUE);
        Box::leak(Dispatch::new(number, vec![entry("lives").own(), value]))
    }

    fn publish(table: &'static Dispatch) {
        hot_crate().gate().swap(table).1.unwrap();
    }

    /// The gate has one owner at a time.
    fn alone() -> impl Drop {
        static ONLY: Mutex<()> = Mutex::new(());
        ONLY.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn the_newest_value_is_read_from_everywhere() {
        let _alone = alone();
        publish(table(1, entry("TUNING").own()));
        assert_eq!((TUNING.get().lives, lives()), (3, 3));
        publish(table(2, entry("LATER").own()));
        assert_eq!((TUNING.get().lives, lives()), (1, 1), "and from hot code");
        publish(table(3, std::ptr::null()));
        assert_eq!(TUNING.get().lives, 3, "where a generation has none: the one beside the reader");
    }

    #[test]
    fn a_pin_decides_which_value_is_read() {
        let _alone = alone();
        publish(table(1, entry("TUNING").own()));
        let pin = hot_crate().pin();
        publish(table(2, entry("LATER").own()));
        assert_eq!((TUNING.get().lives, lives()), (3, 3));
        drop(pin);
        assert_eq!((TUNING.get().lives, lives()), (1, 1));
    }

    #[test]
    fn what_is_lent_is_held_and_nothing_longer() {
        let _alone = alone();
        let (one, two) = (table(1, entry("TUNING").own()), table(2, entry("LATER").own()));
        publish(one);
        TUNING.with(|lent| {
            publish(two);
            assert_eq!(lent.lives, 3);
            assert_eq!((TUNING.get().lives, lives()), (1, 1), "reads inside go to the newest");
            let held = hot_crate().gate().holds(one);
            assert!(
                matches!(held[..], [Hold { kind: HoldKind::Call { slot: VALUE }, .. }]),
                "{held:?}"
            );
        });
        assert!(!hot_crate().gate().is_held(one));
        let caught =
            catch_unwind(AssertUnwindSafe(|| TUNING.with(|lent| panic!("{}", lent.lives))));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"1".to_owned()));
        publish(one);
        assert!(!hot_crate().gate().is_held(two), "nor after a panic");
    }

    #[test]
    fn a_value_is_listed_and_described_with_its_type() {
        let of = |name: &str| -> (bool, String, Vec<String>) {
            let describe = entry(name).describe();
            let (signatures, catalog) = Catalog::of_signatures([describe].into_iter());
            let result = signatures[0].result.unwrap();
            let names = catalog.types().map(|(_, ty)| ty.name.clone()).collect();
            (signatures[0].is_value, catalog.ty(result).name.clone(), names)
        };
        let tuning = "values::Tuning".to_owned();
        assert_eq!(of("TUNING"), (true, tuning.clone(), vec![tuning]));
        let (is_value, name, met) = of("words");
        assert_eq!((is_value, name.as_str()), (true, "&[core::option::Option<&str>]"));
        assert!(met.iter().any(|name| name == "str"), "{met:?}");
        assert!(entry("TUNING").is_public() && !entry("LATER").is_public());

        let texts: Vec<_> = manifest::records(entry("TUNING").record()).collect();
        let [Ok(text)] = texts[..] else { panic!("one record, not {texts:?}") };
        let start = format!("value=values::TUNING\ntype=Tuning\nfile={}\nline=", file!());
        assert!(text.starts_with(&start) && text.ends_with("\npublic=true\n"), "{text}");
    }
}
