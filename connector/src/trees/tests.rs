//! Carts from webhooks to Salesforce's books, in random orders.

mod books;
mod fields;
mod former_keys;
pub(crate) mod shapes;
mod staff;
mod words;
