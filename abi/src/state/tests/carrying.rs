//! All states are carried over, or none.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::super::ops::{Failure, Migration, StateOps, Value, boxed, migrated};
use super::super::{Carried, CarryFailure, OpenFailure, Saved};
use super::{carry, desk, generation};
use crate::layout::{Describer, Layout};

/// Two versions of one type, as two generations would have them: equal in name, made by different code.
fn as_one_type(mut ops: StateOps) -> StateOps {
    ops.type_id = std::any::TypeId::of::<V1>();
    ops.name = std::any::type_name::<V1>;
    ops
}

macro_rules! described {
    ($($type:ty)*) => {$(
        // SAFETY: these tests say themselves which layouts are equal.
        unsafe impl Layout for $type {
            const EXTENT: Option<(usize, usize)> = None;
            fn describe(_: &mut Describer<'_>) {}
        }
    )*};
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct V1 {
    health: u32,
    name: String,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct V2 {
    name: String,
    #[serde(alias = "health")]
    hearts: f64,
    #[serde(default)]
    added: Option<String>,
}

/// Cannot be made of a `V1`.
#[derive(Serialize, Deserialize, Debug)]
struct Needs {
    name: Vec<u8>,
}

struct Falls;

impl Serialize for Falls {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("while writing");
    }
}

impl<'de> Deserialize<'de> for Falls {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Falls, D::Error> {
        panic!("while reading");
    }
}

/// Counts those of it that were made and those that were dropped; every second one does not want to be made.
#[derive(Serialize)]
struct Counted;

static MADE: AtomicUsize = AtomicUsize::new(0);
static DROPPED: AtomicUsize = AtomicUsize::new(0);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Counted, D::Error> {
        serde::de::IgnoredAny::deserialize(from)?;
        if MADE.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
            return Err(serde::de::Error::custom("a custom error"));
        }
        Ok(Counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        panic!("while dropping");
    }
}

described!(V1 V2 Needs Falls Counted);

fn ops<T: Layout + Serialize + serde::de::DeserializeOwned + 'static>() -> &'static StateOps {
    Box::leak(Box::new(as_one_type(StateOps::of::<T>())))
}

fn world() -> V1 {
    V1 { health: 3, name: "Ann".into() }
}

fn bytes_of(desk: &super::Desk, slot: usize) -> Vec<u8> {
    desk.write(slot).unwrap().bytes
}

/// The address of a state's value, and the bytes it is made of.
fn look(desk: &super::Desk, slot: usize) -> (Value, Vec<u8>) {
    let value = desk.lock().entry(slot).unwrap().value;
    (value, bytes_of(desk, slot))
}

#[test]
fn a_changed_layout_is_carried_over_by_name() {
    let desk = desk();
    let slot = desk.admit(ops::<V1>(), boxed(world()), None);
    let carried = carry(desk, generation(ops::<V2>(), 2)).unwrap();
    assert_eq!(carried.count(), 1);
    let report = carried.commit().finish();
    assert_eq!((report.states, report.panics.len()), (1, 0));
    let value = desk.open(slot, None, true).unwrap();
    // SAFETY: the new code read it as this.
    let value = unsafe { value.cast::<V2>().as_ref() };
    assert_eq!(*value, V2 { name: "Ann".into(), hearts: 3.0, added: None });
    desk.close(slot, true);
    assert!(desk.holds().is_empty(), "its operations are the new generation's");
}

#[test]
fn an_unchanged_layout_changes_hands_only() {
    let desk = desk();
    let old = ops::<V1>();
    let slot = desk.admit(old, boxed(world()), None);
    assert_eq!(desk.holds(), [std::any::type_name::<V1>()], "no generation answers for it yet");
    let before = look(desk, slot);
    let layout = old.fingerprint().as_u128();
    let new = ops::<V1>();
    let report = carry(desk, generation(new, layout)).unwrap().commit().finish();
    assert_eq!((report.states, report.paused), (0, Duration::ZERO));
    assert_eq!(look(desk, slot), before);
    assert!(std::ptr::eq(desk.lock().entry(slot).unwrap().ops, new));
    assert!(desk.holds().is_empty());
}

/// Each version that fails, and what it says.
#[test]
fn any_failure_leaves_every_state_as_it_was() {
    let cases: [(&'static StateOps, &str); 2] = [
        (ops::<Needs>(), "`name`: invalid type: string \"Ann\", expected a sequence"),
        (ops::<Falls>(), "a panic: while reading"),
    ];
    for (new, said) in cases {
        let desk = desk();
        let slots = [(); 3].map(|()| desk.admit(ops::<V1>(), boxed(world()), None));
        let before = slots.map(|slot| look(desk, slot));
        let error = carry(desk, generation(new, 2)).err().unwrap();
        assert_eq!(error.state, std::any::type_name::<V1>());
        let CarryFailure::Read(failure) = error.why else { panic!("{error:?}") };
        assert_eq!(failure.to_string(), said);
        assert_eq!(slots.map(|slot| look(desk, slot)), before);
        assert!(desk.lock().entries.iter().flatten().all(|entry| !entry.frozen));
    }
}

#[test]
fn what_was_made_before_a_failure_is_dropped_though_that_panics() {
    let desk = desk();
    let slots = [(); 2].map(|()| desk.admit(ops::<V1>(), boxed(world()), None));
    let before = slots.map(|slot| look(desk, slot));
    let error = carry(desk, generation(ops::<Counted>(), 2)).err().unwrap();
    let CarryFailure::Read(failure) = error.why else { panic!("{error:?}") };
    assert_eq!(failure.to_string(), "a custom error");
    assert_eq!((MADE.load(Ordering::Relaxed), DROPPED.load(Ordering::Relaxed)), (2, 1));
    assert_eq!(slots.map(|slot| look(desk, slot)), before);
}

#[test]
fn a_panic_while_writing_is_the_old_codes() {
    let desk = desk();
    desk.admit(ops::<Falls>(), boxed(Falls), None);
    let error = carry(desk, generation(ops::<V2>(), 2)).err().unwrap();
    let CarryFailure::Write(failure) = error.why else { panic!("{error:?}") };
    assert_eq!(failure.to_string(), "a panic: while writing");
}

#[test]
fn a_panic_of_an_old_value_that_is_dropped_is_told() {
    let desk = desk();
    let old = StateOps {
        // SAFETY: nothing is done with it.
        end: |_| Err(Failure { path: String::new(), message: "at the end".into(), panicked: true }),
        ..as_one_type(StateOps::of::<V1>())
    };
    desk.admit(Box::leak(Box::new(old)), boxed(world()), None);
    let report = carry(desk, generation(ops::<V2>(), 2)).unwrap().commit().finish();
    let told = (std::any::type_name::<V1>().to_owned(), "at the end".to_owned());
    assert_eq!(report.panics, [told]);
}

#[test]
fn a_function_may_take_over() {
    fn hearts(old: Saved<'_>) -> Result<V2, String> {
        let V1 { health, name } = old.read()?;
        if health > 100 {
            return Err(format!("{health} is too much"));
        }
        Ok(V2 { name: name + "!", hearts: f64::from(health) / 2.0, added: None })
    }
    let by_hand = Migration::new::<Result<V1, String>>("game::hearts", |bytes, depth| {
        migrated(hearts, bytes, depth)
    });
    let mut types = generation(ops::<V2>(), 2);
    types.migrations.push(Box::leak(Box::new(by_hand)));
    assert_eq!(types.idle_migrations().count(), 0);

    let desk = desk();
    let slot = desk.admit(ops::<V1>(), boxed(world()), None);
    drop(carry(desk, types.clone()).unwrap().commit().finish());
    let value = desk.open(slot, None, true).unwrap();
    // SAFETY: the new code made it as this.
    assert_eq!(unsafe { value.cast::<V2>().as_ref() }.hearts, 1.5);
    desk.close(slot, true);

    let desk = super::desk();
    desk.admit(ops::<V1>(), boxed(V1 { health: 101, name: String::new() }), None);
    let error = carry(desk, types).err().unwrap();
    let CarryFailure::Migrate { function, failure } = error.why else { panic!("{error:?}") };
    assert_eq!((function, failure.to_string().as_str()), ("game::hearts", "101 is too much"));
}

#[test]
fn a_state_that_stays_open_is_named_with_its_thread() {
    let desk = desk();
    let slot = desk.admit(ops::<V1>(), boxed(world()), None);
    let open = std::thread::Builder::new().name("main loop".into());
    // Never closed: the guard of a loop that does not end.
    open.spawn(move || desk.open(slot, None, true).map(drop)).unwrap().join().unwrap().unwrap();
    let deadline = Instant::now() + Duration::from_millis(20);
    let error = Carried::make(desk, "game", generation(ops::<V2>(), 2), deadline).err().unwrap();
    let CarryFailure::Open(holders) = error.why else { panic!("{error:?}") };
    assert_eq!(holders.len(), 1);
    assert!(!desk.lock().entry(slot).unwrap().frozen);
}

#[test]
fn code_of_another_layout_gets_an_error() {
    let desk = desk();
    let (old, new) = (ops::<V1>(), ops::<V2>());
    let slot = desk.admit(old, boxed(world()), None);
    drop(carry(desk, generation(new, 2)).unwrap().commit().finish());
    let error = desk.open(slot, Some(old), true).unwrap_err();
    assert_eq!(error.why(), OpenFailure::OtherLayout);
    assert!(error.to_string().contains("open it in a hot function"), "{error}");
    // One made by old code afterwards is not the new code's either, until the next swap.
    let late = desk.admit(old, boxed(world()), None);
    assert_eq!(desk.open(late, Some(new), true).unwrap_err().why(), OpenFailure::Stale);
    assert_eq!(desk.holds().len(), 1);
    drop(carry(desk, generation(new, 2)).unwrap().commit().finish());
    assert!(desk.holds().is_empty());
    assert!(bytes_of(desk, late).len() > 10);
}
