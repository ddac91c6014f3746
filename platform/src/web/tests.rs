//! Every route has its line in the table of permissions, and every line its route.

use std::collections::BTreeSet;

use axum::Router;

use super::{api, pages};
use crate::{
    app::App,
    permissions::table::{ROUTES, Who, who},
};

/// Methods and paths of a router, as its `Debug` tells them: axum has no other way to ask.
fn routes(router: &Router<App>) -> BTreeSet<(String, String)> {
    let told = format!("{router:?}");
    let paths =
        told.split("paths: {").nth(1).and_then(|rest| rest.split('}').next().map(|_| rest)).expect("paths are told");
    // `RouteId(7): "/api/0/",`; a path may hold braces.
    let path_of = |id: &str| {
        let after = paths.split(&format!("RouteId({id}): \"")).nth(1).expect("a route has a path");
        after.split('"').next().expect("a path ends").to_owned()
    };
    let mut found = BTreeSet::new();
    for route in told.split("RouteId(").skip(1) {
        let Some((id, rest)) = route.split_once("): MethodRouter(MethodRouter { ") else { continue };
        let methods = rest.split(", fallback:").next().expect("a fallback follows the methods");
        for method in methods.split(", ") {
            let (name, endpoint) = method.split_once(": ").expect("a method and its endpoint");
            if !endpoint.starts_with("None") {
                found.insert((name.to_ascii_uppercase(), path_of(id)));
            }
        }
    }
    found
}

#[test]
fn a_route_without_a_line_in_the_table_does_not_pass() {
    let served: BTreeSet<_> = routes(&api()).into_iter().chain(routes(&pages())).collect();
    assert!(served.len() > 100, "only {} routes were told: has axum another Debug now?", served.len());
    let without: Vec<_> = served.iter().filter(|(method, path)| who(method, path).is_none()).collect();
    assert!(without.is_empty(), "say in permissions/table.rs whom these serve: {without:#?}");
}

#[test]
fn a_line_of_the_table_has_its_route() {
    let served: BTreeSet<_> = routes(&api()).into_iter().chain(routes(&pages())).collect();
    let is_served = |method: &str, path: &str| served.contains(&(method.to_owned(), path.to_owned()));
    // The dialog and the endpoint of feedback stand outside of the two routers.
    let elsewhere = |path: &str| path.ends_with("/user-feedback/");
    let idle: Vec<_> = ROUTES.iter().filter(|(method, path, _)| !is_served(method, path) && !elsewhere(path)).collect();
    assert!(idle.is_empty(), "these are not served any more: {idle:#?}");
}

#[test]
fn nothing_is_changed_by_strangers_but_their_own_way_in() {
    let open = ROUTES.iter().filter(|(method, _, who)| *method != "GET" && *who == Who::Anyone);
    for (method, path, _) in open {
        // What unsubscribes is signed for the one person it was mailed to.
        let signed = path.ends_with("/{signature}/");
        let may = signed || path.starts_with("/auth/") || path.ends_with("/user-feedback/");
        assert!(may, "{method} {path} serves anyone");
    }
}
