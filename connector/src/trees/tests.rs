//! Carts from webhooks to Salesforce's books, in random orders.

mod books;
mod fields;
mod former_keys;
mod held;
mod products;
pub(crate) mod shapes;
mod staff;
mod words;
