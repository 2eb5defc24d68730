mod config;
mod handlers;
mod routing;
mod to_salesforce;
mod webhook;
fn main() {}
