//! Self-checks of images that are made up here: two of one program, which is enough for threads and deadlines.

use std::any::TypeId;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex};

use liveswap_abi::hook::HookEntry;

use super::*;

const LONG: Duration = Duration::from_secs(60);

const fn image(hooks: fn() -> &'static [&'static HookEntry]) -> HotCrate {
    HotCrate::new("made_up", true, TypeId::of::<()>(), &[], || &[], hooks, || &[], |_| None)
}

fn shown(veto: &Veto) -> Vec<String> {
    assert_eq!(veto.refusal.step, Step::SelfCheck);
    veto.refusal.differences.iter().map(ToString::to_string).collect()
}

#[test]
fn all_objections_are_told_in_the_order_of_their_paths() {
    static NO: HookEntry =
        HookEntry::new("game::b::no", Role::SelfCheck, || Ended::Vetoed("no light".to_owned()));
    static FALLS: HookEntry =
        HookEntry::new("game::a::falls", Role::SelfCheck, || Ended::Panicked("over".to_owned()));
    static WELL: HookEntry = HookEntry::new("game::c::well", Role::SelfCheck, || Ended::Well);
    static OTHER: HookEntry = HookEntry::new("game::a::other", Role::OnLoad, || unreachable!());
    static HOOKS: [&HookEntry; 4] = [&NO, &WELL, &OTHER, &FALLS];
    static IMAGE: HotCrate = image(|| &HOOKS);
    let veto = run(&IMAGE, &IMAGE, LONG).unwrap_err();
    let shown = shown(&veto);
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[0].contains("`game::a::falls`") && shown[0].contains("over"), "{shown:?}");
    assert!(shown[1].contains("`game::b::no`") && shown[1].contains("no light"), "{shown:?}");
    assert!(veto.inside.is_none());
}

#[test]
fn who_has_nothing_to_say_has_no_thread_and_no_objection() {
    static LOADS: HookEntry = HookEntry::new("game::loads", Role::OnLoad, || unreachable!());
    static HOOKS: [&HookEntry; 1] = [&LOADS];
    static IMAGE: HotCrate = image(|| &HOOKS);
    assert!(run(&IMAGE, &IMAGE, Duration::ZERO).is_ok());
}

#[test]
fn after_the_deadline_no_further_check_is_begun_and_the_last_one_is_known_to_leave() {
    static GO: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
    static BEGUN: AtomicU32 = AtomicU32::new(0);
    static WAITS: HookEntry = HookEntry::new("game::a::waits", Role::SelfCheck, || {
        let mut go = GO.0.lock().unwrap();
        while !*go {
            go = GO.1.wait(go).unwrap();
        }
        Ended::Well
    });
    static LATER: HookEntry = HookEntry::new("game::b::later", Role::SelfCheck, || {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        Ended::Well
    });
    static HOOKS: [&HookEntry; 2] = [&LATER, &WAITS];
    static IMAGE: HotCrate = image(|| &HOOKS);
    let veto = run(&IMAGE, &IMAGE, Duration::from_millis(20)).unwrap_err();
    let shown = shown(&veto);
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].contains("`game::a::waits`") && shown[0].contains("20ms"), "{shown:?}");
    let inside = veto.inside.unwrap();
    assert!(!inside.has_left());
    *GO.0.lock().unwrap() = true;
    GO.1.notify_all();
    inside.wait(LONG);
    assert!(inside.has_left());
    assert_eq!(BEGUN.load(Ordering::Relaxed), 0);
}
