//! Memory that stands for an image is looked for in a process that has pointers to it, or had.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;

use super::heap::Where;
use super::memory::{Address, Memory};
use super::symbols::Symbols;
use super::*;

/// Looks for the image from a thread that is not looked at.
fn found(image: &Image) -> Option<Found> {
    let mut survey = Survey::take(&[image], BTreeSet::from([number()])).unwrap();
    survey.judge(0, image)
}

/// As the thread does that serves requests: what only stacks seem to have is looked for again.
fn found_at_last(image: &Image) -> Option<Found> {
    let mut found = found(image);
    for pause in PAUSES {
        if found.as_ref().is_none_or(|found| !found.is_doubtful) {
            break;
        }
        thread::sleep(pause);
        found = self::found(image);
    }
    found
}

/// Addresses that stand for an image: nothing was ever mapped there, so nobody has them but for the test.
fn stand_in() -> (Image, usize) {
    stand_in_with(Symbols::default())
}

fn stand_in_with(symbols: Symbols) -> (Image, usize) {
    static NEXT: AtomicUsize = AtomicUsize::new(0x3A5A_0000_0000);
    let start = NEXT.fetch_add(1 << 24, SeqCst);
    (Image::stand_in(start as u64..start as u64 + (1 << 20), symbols), start + 4096)
}

#[track_caller]
fn assert_found(image: &Image, words: &[&str]) {
    let found = found_at_last(image).expect("a pointer is there");
    let all = found.pointers.join("; ");
    assert!(words.iter().all(|word| all.contains(word)), "{all}");
}

#[test]
fn a_pointer_in_a_variable_is_found_until_it_is_gone() {
    static KEPT: AtomicUsize = AtomicUsize::new(0);
    let (image, inside) = stand_in();
    assert_eq!(found_at_last(&image), None);
    KEPT.store(inside, SeqCst);
    assert_found(&image, &["a pointer to it in the variable `", "::KEPT`"]);
    KEPT.store(0, SeqCst);
    assert_eq!(found_at_last(&image), None);
}

#[test]
fn a_pointer_in_the_heap_is_found_with_what_leads_to_it() {
    static ROOT: Mutex<Vec<Vec<usize>>> = Mutex::new(Vec::new());
    let (image, inside) = stand_in();
    ROOT.lock().unwrap().push(vec![1, 2, inside, 4]);
    assert_found(&image, &["which is reached from the variable `", "::ROOT`"]);
    ROOT.lock().unwrap().clear();
}

#[test]
fn what_nobody_follows_does_not_count() {
    static KEPT: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    static VARIABLE: AtomicUsize = AtomicUsize::new(0);
    let one = |range| std::iter::once(range).collect();
    let symbols = || Symbols::new(one(4096..4104), one(8192..8300));
    let keep = |offset: Option<usize>| {
        let (image, at_4096) = stand_in_with(symbols());
        let value = offset.map_or(0, |offset| at_4096 - 4096 + offset);
        *KEPT.lock().unwrap() = vec![1, value, 3];
        (image, value)
    };
    // What is Liveswap's own, and an address to return to.
    for offset in [None, Some(4096), Some(4100), Some(8193), Some(8299)] {
        let (image, _) = keep(offset);
        assert_eq!(found_at_last(&image), None, "{offset:?}");
    }
    // What is beside it, and a function.
    for offset in [4095, 4104, 8191, 8192, 8300] {
        let (image, _) = keep(Some(offset));
        assert_found(&image, &["which is reached from the variable `", "::KEPT`"]);
    }
    // An address to return to where it was not copied by chance.
    let (image, value) = keep(Some(8200));
    VARIABLE.store(value, SeqCst);
    assert_found(&image, &["in the variable `", "::VARIABLE`"]);
    VARIABLE.store(0, SeqCst);
    KEPT.lock().unwrap().clear();
}

#[test]
fn a_pointer_in_use_on_a_stack_is_found() {
    let (image, inside) = stand_in();
    let (go, wait) = channel::<()>();
    let (tell, told) = channel::<()>();
    // Told in another form, so that it is not on the stack to begin with.
    let hidden = !inside;
    let thread = thread::Builder::new().name("keeper".to_owned());
    let thread = thread.spawn(move || {
        let kept = black_box([!hidden; 64]);
        tell.send(()).unwrap();
        wait.recv().unwrap();
        black_box(kept);
    });
    told.recv().unwrap();
    assert_found(&image, &["on the stack of the thread `keeper`"]);
    go.send(()).unwrap();
    thread.unwrap().join().unwrap();
}

#[test]
fn what_was_given_back_does_not_count() {
    const EACH: usize = 7;
    let memory = Memory::open().unwrap();
    let key = heap::learn_key(&memory).expect("the system's allocator");
    let places = |addresses: &[Address]| {
        let regions = regions::list().unwrap();
        let region =
            regions::containing(&regions, addresses[0].raw()).expect("a block is somewhere");
        let found = heap::blocks(&memory, region, Some(key), addresses);
        let blocks = addresses.iter().filter_map(|at| match found.get(at)? {
            Where::Block(block) => {
                assert!(block.range.contains(at));
                Some(block.is_free)
            }
            Where::Notes => panic!("it is a block's"),
        });
        let blocks: Vec<bool> = blocks.collect();
        (blocks.len(), blocks.iter().filter(|is_free| **is_free).count())
    };
    // What a thread keeps for itself.
    for words in [3, 8, 60] {
        let blocks: Vec<Vec<usize>> = (0..EACH).map(|_| vec![1; words]).collect();
        let mut addresses: Vec<Address> =
            blocks.iter().map(|block| Address::of((&raw const block[2]).addr() as u64)).collect();
        addresses.sort();
        let regions = regions::list().unwrap();
        let first = regions::containing(&regions, addresses[0].raw()).unwrap();
        addresses.retain(|at| first.range.contains(&at.raw()));
        assert_eq!(places(&addresses), (addresses.len(), 0), "{words} words in use");
        drop(black_box(blocks));
        let (_, free) = places(&addresses);
        // Other threads may have taken some again.
        assert!(free > 0 || addresses.len() < EACH, "blocks of {words} words were given back");
    }
    // With pages of their own.
    let large = vec![1_usize; 1 << 20];
    let address = Address::of((&raw const large[1 << 19]).addr() as u64);
    let regions = regions::list().unwrap();
    let region = regions::containing(&regions, address.raw()).unwrap();
    match heap::blocks(&memory, region, Some(key), &[address]).get(&address) {
        // Where such blocks follow something else, nothing is said.
        None => {}
        Some(place) => {
            let Where::Block(block) = place else { panic!("{place:?}") };
            assert!(!block.is_free && block.range.contains(&address));
        }
    }
}

#[test]
fn what_an_arena_keeps_in_lists_is_known_to_be_given_back() {
    const COUNT: usize = 200;
    /// What a block begins with.
    const HEAD: u64 = 16;
    let memory = Memory::open().unwrap();
    // Each between two in use, so that they are not made one.
    let pairs = (0..COUNT).map(|_| (vec![1_usize; 6], vec![1_usize; 6]));
    let (blocks, between): (Vec<_>, Vec<_>) = pairs.unzip();
    let starts: Vec<Address> =
        blocks.iter().map(|block| Address::of(block.as_ptr().addr() as u64 - HEAD)).collect();
    let regions = regions::list().unwrap();
    let region = regions::containing(&regions, starts[0].raw()).unwrap();
    let listed = |start: &&Address| {
        region.range.contains(&start.raw())
            && lists::of(&memory, region, start.raw()).contains(start)
    };
    assert_eq!(starts.iter().filter(listed).count(), 0, "in use");
    drop(black_box(blocks));
    let known = starts.iter().filter(listed).count();
    drop(black_box(between));
    // A thread keeps a few for itself, and some are taken again.
    assert!(known > COUNT / 2, "{known} of {COUNT} blocks are in lists");
}

#[test]
fn memory_that_was_never_touched_is_not_read() {
    let (image, _) = stand_in();
    let sparse: Vec<u64> = vec![0; 1 << 30];
    let survey = Survey::take(&[&image], BTreeSet::from([number()])).unwrap();
    assert!(survey.bytes < 4 << 30, "{} bytes", survey.bytes);
    drop(black_box(sparse));
}

#[test]
fn an_image_is_looked_for_by_a_thread_of_its_own() {
    let executable = std::env::current_exe().unwrap();
    // Nothing is mapped there.
    let target = Target {
        file: executable,
        base: 0x3B5A_0000_0000,
        segments: std::iter::once(0x3B5A_0000_0000..0x3B5A_0100_0000).collect(),
        locals: (0, 0),
        known: Vec::new(),
    };
    let wait = |scan: &Scan| loop {
        match scan.answer() {
            Some(reply) => break reply,
            None => thread::yield_now(),
        }
    };
    let many: Vec<Scan> = (0..8).map(|_| Scan::start(target.clone())).collect();
    for scan in &many {
        assert_eq!(wait(scan), Ok(None));
    }
    let gone = Target { file: "nowhere".into(), ..target };
    let error = wait(&Scan::start(gone)).unwrap_err();
    assert!(error.contains("`nowhere` cannot be read"), "{error}");
}
