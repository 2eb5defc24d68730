//! Carts from webhooks to Salesforce's books, in random orders.

mod books;
mod fields;
pub(crate) mod shapes;
mod staff;
mod words;
