# Every verb is one plain command; `just` is a convenience, never a need.

# The list of verbs.
default:
    @just --list

# Start the demo; build and swap on save.
watch *args:
    cargo live {{ args }}

# All tests.
test *args:
    cargo test --workspace {{ args }}

# What CI runs.
ready:
    .ci/run

# Costs side by side with what they are compared to; `just bench stall`, `just bench edit-to-live --crate deps`.
bench what="calls" *args:
    cargo run --release -p liveswap-benches -- {{ what }} {{ args }}

# A thousand swaps, and what is left of them.
soak swaps="1000":
    cargo run --release -p liveswap-benches -- soak --swaps {{ swaps }}

# Faults in large numbers: as many samples of each kind, another seed each time, which is printed.
faults samples="2000":
    LIVESWAP_FAULTS_SAMPLES={{ samples }} LIVESWAP_FAULTS_SEED=now cargo test -p liveswap-tests faults -- --nocapture

# Ten thousand artifacts, one in ten bad, while threads, thread-locals, long calls and pins hold old generations.
soak-hostile swaps="10000" *args:
    cargo run --release -p liveswap-benches -- soak --swaps {{ swaps }} --hostile --check {{ args }}

# Look for bytes that a reader stumbles over (artifacts, states, messages); what leads somewhere new is added to the corpus in target/.
fuzz minutes="10" reader="artifacts":
    mkdir -p target/fuzz/corpus/{{ reader }}
    RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions=on -Coverflow-checks=on" cargo run --release -p liveswap-fuzz --bin {{ reader }} --target-dir target/fuzz --target "$(rustc --print host-tuple)" -- target/fuzz/corpus/{{ reader }} fuzz/corpus/{{ reader }} -max_total_time="$(({{ minutes }} * 60))" -max_len=16384 -timeout=10 -rss_limit_mb=1024

# Model-check the gate.
loom:
    RUSTFLAGS="--cfg loom" cargo test -p liveswap-abi --lib --release --target-dir target/loom

# Layouts, refusals, states and swaps under AddressSanitizer (nightly).
asan:
    .ci/run asan

# What old generations leave allocated, by LeakSanitizer (nightly).
lsan:
    .ci/run lsan

# Three swaps under valgrind.
valgrind:
    .ci/run valgrind

# The gate's tests under Miri (nightly).
miri:
    .ci/run miri

# The demo without a terminal, for ten seconds.
demo frames="600":
    cargo live -- --headless --frames {{ frames }}

# Format check.
fmt:
    cargo fmt --all --check

# Lints, warnings denied.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Documentation, warnings denied.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
