//! Every case of the chapter has a test of its name.

use std::fs;
use std::path::Path;

/// The cases, by theme: startup, requests, cancel, blocking, selected sockets.
const CASES: &[&str] = &[
    "t00 t01 t02 t03 t05 t06 t07 t08 t10 t11 t12 t13",
    "t14 t15 t16 t17 t18 t19 t20 t21 t22 t23 t25 t26 t27 t28 t30 t31 t32 t33 t34 t36 t37 t38 t39 t39a t39b t40",
    "t41 t42 t43a t44 t45 t46 t47 t48 t49 t51 t52 t53",
    "t54 t55 t56 t57 t59 t60 t61 t62",
    "t63 t64 t65 t66 t67 t68 t69 t70 t71 t72 t73 t74 t75 t76 t77 t78 t79 t79a t80 t81 t82 t83 t84 t85",
];

#[test]
fn every_case_has_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/winsock");
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("the tests are here") {
        let path = entry.expect("they can be listed").path();
        text.push_str(&fs::read_to_string(path).expect("source is UTF-8"));
    }
    let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("fn ")).collect();
    let has = |case: &str| {
        let (first, second) = (format!("{case}_"), format!("_{case}_"));
        names.iter().any(|name| name.starts_with(&first) || name.starts_with('t') && name.contains(&second))
    };
    let missing: Vec<_> = CASES.iter().flat_map(|theme| theme.split(' ')).filter(|case| !has(case)).collect();
    assert!(missing.is_empty(), "no test for {missing:?}");
}
