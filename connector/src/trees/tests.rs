//! Carts from webhooks to Salesforce's books, in random orders.

mod books;
mod shapes;
mod words;
