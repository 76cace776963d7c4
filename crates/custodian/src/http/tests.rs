//! The description against the router.

use std::collections::BTreeSet;

use serde_json::Value;
use twoshare_protocol::http::{Caller, PROBLEM, Route};

use super::{openapi, openapi::codes};

fn document() -> Value {
    serde_json::from_str(&openapi()).unwrap()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let document = document();
    let described: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let routed: BTreeSet<_> = Route::ALL
        .iter()
        .map(|route| (route.method().name().to_owned(), route.template().to_owned()))
        .collect();
    assert_eq!(described, routed);
}

#[test]
fn every_refusal_is_described() {
    let document = document();
    for route in Route::ALL {
        let method = route.method().name().to_lowercase();
        let operation = &document["paths"][route.template()][method];
        assert!(operation["summary"].is_string(), "{route:?}");
        for (code, status) in codes(*route) {
            let response = &operation["responses"][status.to_string()];
            let codes = &response["content"][PROBLEM]["schema"]["properties"]["code"]["enum"];
            let listed = codes.as_array().unwrap().iter().any(|listed| listed == code);
            assert!(listed, "{route:?} {status} {code}");
        }
        let scheme = match route.caller() {
            Caller::Anyone => None,
            Caller::User => Some("user"),
            Caller::Operator => Some("operator"),
        };
        let security = operation["security"].as_array().unwrap();
        assert_eq!(
            security.first().map(|item| item[scheme.unwrap()].is_array()),
            scheme.map(|_| true)
        );
        assert_eq!(operation["requestBody"].is_object(), route.max_body() > 0, "{route:?}");
        for name in route.template().split('/').filter(|part| part.starts_with('{')) {
            let name = name.trim_matches(['{', '}']);
            let parameters = operation["parameters"].as_array().unwrap();
            assert!(parameters.iter().any(|p| p["name"] == name && p["in"] == "path"), "{name}");
        }
    }
}

#[test]
fn every_schema_that_is_named_is_there() {
    let text = openapi();
    let document = document();
    let named = text.split("\"#/components/schemas/").skip(1);
    let named: BTreeSet<_> = named.filter_map(|rest| rest.split('"').next()).collect();
    assert!(named.len() > 10);
    for name in named {
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
}
