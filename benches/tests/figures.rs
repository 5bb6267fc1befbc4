//! Every bench runs to its end and prints the figures that are promised, however short the run.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use serde_json::Value;

/// Runs a bench and returns its last line.
fn figures(arguments: &[&str]) -> Value {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_liveswap-bench"));
    let output = bench.args(arguments).arg("--json").output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?} ended with {}\n{out}{err}", output.status);
    serde_json::from_str(out.lines().last().unwrap()).unwrap()
}

#[test]
fn calls_compares_four_ways_to_call() {
    let figures = figures(&["calls", "--rounds", "2", "--round-ms", "1"]);
    for way in ["direct", "indirect", "liveswap", "hot_lib_reloader"] {
        for threads in ["t1", "t2"] {
            assert!(figures[way][threads].as_f64().unwrap() > 0.0, "{way} {threads}: {figures}");
        }
    }
}

#[test]
fn stall_sees_every_swap_and_no_wrong_result() {
    let figures = figures(&["stall", "--swaps", "5"]);
    assert_eq!((&figures["swaps"], &figures["wrong"]), (&5.into(), &0.into()));
    assert!(figures["changes_seen"].as_u64().unwrap() > 0, "{figures}");
    for key in ["baseline_p9999_ns", "swapping_p9999_ns", "calls"] {
        assert!(figures[key].as_u64().unwrap() > 0, "{key}: {figures}");
    }
    for key in ["max_stall_us", "baseline_max_us"] {
        assert!(figures[key].as_f64().unwrap() > 0.0, "{key}: {figures}");
    }
}

#[test]
fn swap_sees_the_new_behavior_of_both() {
    let figures = figures(&["swap", "--rounds", "2"]);
    for key in ["settled_to_live_us", "copy_dlopen_us", "hot_lib_reloader_us"] {
        assert!(figures[key].as_f64().unwrap() > 0.0, "{key}: {figures}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn soak_leaves_nothing_behind() {
    let figures = figures(&["soak", "--swaps", "30", "--threads", "2", "--check"]);
    assert_eq!(figures["swaps"], 30);
    for key in ["stages_left", "wrong", "retained"] {
        assert_eq!(figures[key], 0, "{key}: {figures}");
    }
    // Fewer, where something was read at the first look.
    assert!(figures["fd_growth"].as_i64().unwrap() <= 0, "{figures}");
    assert!(figures["images_mapped"].as_u64().unwrap() <= 2, "{figures}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_hostile_soak_swaps_and_refuses_and_leaves_nothing_behind() {
    let figures = figures(&["soak", "--swaps", "60", "--hostile", "--seed", "7"]);
    for key in ["swaps", "bad", "calls"] {
        assert!(figures[key].as_u64().unwrap() > 0, "{key}: {figures}");
    }
    assert!(figures["holds"]["leases"].as_u64().unwrap() > 0, "{figures}");
    for key in ["stages_left", "wrong"] {
        assert_eq!(figures[key], 0, "{key}: {figures}");
    }
    for key in ["fd_growth", "thread_growth"] {
        assert!(figures[key].as_i64().unwrap() <= 0, "{key}: {figures}");
    }
    assert_eq!((&figures["images_mapped"], &figures["seed"]), (&1.into(), &7.into()));
}

#[test]
fn swaps_are_measured_with_holds_and_without() {
    let figures = figures(&["swap", "--holds", "40", "--rounds", "2"]);
    assert!(figures["holds"].as_u64().unwrap() >= 40, "{figures}");
    for key in ["live_us", "live_without_us"] {
        assert!(figures[key].as_f64().unwrap() > 0.0, "{key}: {figures}");
    }
    assert!(figures["steps"]["swap_us"].as_f64().unwrap() > 0.0, "{figures}");
}

#[test]
fn scale_compiles_and_swaps_as_many_functions_as_are_asked_for() {
    let figures = figures(&["scale", "--functions", "60", "--types", "20", "--rounds", "2"]);
    assert_eq!((&figures["functions"], &figures["types"]), (&60.into(), &20.into()));
    for key in ["dlopen_ms", "check_ms", "swap_us"] {
        assert!(figures[key].as_f64().unwrap() > 0.0, "{key}: {figures}");
    }
}
