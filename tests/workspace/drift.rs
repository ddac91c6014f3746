//! Generated files against what they are generated from.

use std::fs;

use harness::workspace;

fn read(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap_or_else(|e| panic!("reading {path}: {e}"))
}

#[test]
fn a_crd_stays_small_enough_to_be_applied_by_any_client() {
    let size = read("crds/sentryinstance.yaml").len();
    assert!(
        size < 100_000,
        "client-side apply keeps a copy in an annotation of at most 256 KiB; the CRD is {size} bytes"
    );
}
