//! SOQL, the part of it that clients of this org send: text to a query, or MALFORMED_QUERY.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::error::ApiError;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    /// `COUNT()` alone.
    pub(super) count: bool,
    pub(super) select: Vec<Path>,
    pub(super) from: String,
    pub(super) filter: Option<Filter>,
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
}

/// `Email`, or `Account.Name`.
pub(super) type Path = Vec<String>;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Order {
    pub(super) path: Path,
    pub(super) descending: bool,
    pub(super) nulls_last: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare {
        path: Path,
        operator: Operator,
        value: Literal,
    },
    In {
        path: Path,
        values: Vec<Literal>,
        negated: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Null,
    Boolean(bool),
    Text(String),
    /// A number, a date or a date-time, as written.
    Bare(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Symbol(&'static str),
}

/// Reads a query.
pub(super) fn parse(text: &str) -> Result<Query, ApiError> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: tokens.into_iter().peekable(),
    };
    let query = parser.query()?;
    match parser.tokens.next() {
        None => Ok(query),
        Some(token) => Err(unexpected(Some(&token))),
    }
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
}

impl Parser {
    fn query(&mut self) -> Result<Query, ApiError> {
        self.keyword("SELECT")?;
        let (count, select) = self.select()?;
        self.keyword("FROM")?;
        let from = self.word()?;
        let filter = if self.accept("WHERE") {
            Some(self.filter()?)
        } else {
            None
        };
        let order = if self.accept("ORDER") {
            self.order()?
        } else {
            Vec::new()
        };
        let limit = if self.accept("LIMIT") {
            Some(self.number()?)
        } else {
            None
        };
        let offset = if self.accept("OFFSET") {
            self.number()?
        } else {
            0
        };
        Ok(Query {
            count,
            select,
            from,
            filter,
            order,
            limit,
            offset,
        })
    }

    fn select(&mut self) -> Result<(bool, Vec<Path>), ApiError> {
        let first = self.word()?;
        if first.eq_ignore_ascii_case("COUNT") && self.symbol("(") {
            self.expect(")")?;
            return Ok((true, Vec::new()));
        }
        let mut select = vec![path(&first)];
        while self.symbol(",") {
            select.push(path(&self.word()?));
        }
        Ok((false, select))
    }

    /// One kind of joining at a level, as SOQL demands; parentheses mix them.
    fn filter(&mut self) -> Result<Filter, ApiError> {
        let mut parts = vec![self.condition()?];
        if self.accept("AND") {
            parts.push(self.condition()?);
            while self.accept("AND") {
                parts.push(self.condition()?);
            }
            return Ok(Filter::And(parts));
        }
        while self.accept("OR") {
            parts.push(self.condition()?);
        }
        match (parts.len(), parts.pop()) {
            (1, Some(only)) => Ok(only),
            (_, last) => {
                parts.extend(last);
                Ok(Filter::Or(parts))
            }
        }
    }

    fn condition(&mut self) -> Result<Filter, ApiError> {
        if self.accept("NOT") {
            return Ok(Filter::Not(Box::new(self.condition()?)));
        }
        if self.symbol("(") {
            let inner = self.filter()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let path = path(&self.word()?);
        if self.accept("NOT") {
            self.keyword("IN")?;
            return Ok(Filter::In {
                path,
                values: self.list()?,
                negated: true,
            });
        }
        if self.accept("IN") {
            return Ok(Filter::In {
                path,
                values: self.list()?,
                negated: false,
            });
        }
        let operator = self.operator()?;
        let value = self.literal()?;
        Ok(Filter::Compare {
            path,
            operator,
            value,
        })
    }

    fn operator(&mut self) -> Result<Operator, ApiError> {
        if self.accept("LIKE") {
            return Ok(Operator::Like);
        }
        match self.tokens.next() {
            Some(Token::Symbol("=")) => Ok(Operator::Equal),
            Some(Token::Symbol("!=" | "<>")) => Ok(Operator::NotEqual),
            Some(Token::Symbol("<")) => Ok(Operator::Less),
            Some(Token::Symbol("<=")) => Ok(Operator::LessOrEqual),
            Some(Token::Symbol(">")) => Ok(Operator::Greater),
            Some(Token::Symbol(">=")) => Ok(Operator::GreaterOrEqual),
            other => Err(unexpected(other.as_ref())),
        }
    }

    fn list(&mut self) -> Result<Vec<Literal>, ApiError> {
        self.expect("(")?;
        let mut values = vec![self.literal()?];
        while self.symbol(",") {
            values.push(self.literal()?);
        }
        self.expect(")")?;
        Ok(values)
    }

    fn literal(&mut self) -> Result<Literal, ApiError> {
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null") => Ok(Literal::Null),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => {
                Ok(Literal::Boolean(true))
            }
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => {
                Ok(Literal::Boolean(false))
            }
            Some(Token::Word(word))
                if word.starts_with(|first: char| {
                    first.is_ascii_digit() || first == '-' || first == '+'
                }) =>
            {
                Ok(Literal::Bare(word))
            }
            other => Err(unexpected(other.as_ref())),
        }
    }

    fn order(&mut self) -> Result<Vec<Order>, ApiError> {
        self.keyword("BY")?;
        let mut order = Vec::new();
        loop {
            let path = path(&self.word()?);
            let descending = self.accept("DESC");
            if !descending {
                self.accept("ASC");
            }
            let mut nulls_last = false;
            if self.accept("NULLS") {
                nulls_last = self.accept("LAST");
                if !nulls_last {
                    self.keyword("FIRST")?;
                }
            }
            order.push(Order {
                path,
                descending,
                nulls_last,
            });
            if !self.symbol(",") {
                return Ok(order);
            }
        }
    }

    fn number(&mut self) -> Result<usize, ApiError> {
        let word = self.word()?;
        word.parse()
            .map_err(|_| unexpected(Some(&Token::Word(word))))
    }

    fn word(&mut self) -> Result<String, ApiError> {
        match self.tokens.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(unexpected(other.as_ref())),
        }
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), ApiError> {
        if self.accept(keyword) {
            Ok(())
        } else {
            Err(unexpected(self.tokens.peek()))
        }
    }

    fn accept(&mut self, keyword: &str) -> bool {
        let fits = |token: &Token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        self.tokens.next_if(fits).is_some()
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        self.tokens
            .next_if(|token| matches!(token, Token::Symbol(found) if *found == symbol))
            .is_some()
    }

    fn expect(&mut self, symbol: &str) -> Result<(), ApiError> {
        if self.symbol(symbol) {
            Ok(())
        } else {
            Err(unexpected(self.tokens.peek()))
        }
    }
}

fn path(word: &str) -> Path {
    word.split('.').map(str::to_owned).collect()
}

fn unexpected(token: Option<&Token>) -> ApiError {
    match token {
        Some(Token::Word(word)) => malformed(&format!("unexpected token: '{word}'")),
        Some(Token::Text(text)) => malformed(&format!("unexpected token: '{text}'")),
        Some(Token::Symbol(symbol)) => malformed(&format!("unexpected token: '{symbol}'")),
        None => malformed("unexpected end of query"),
    }
}

fn malformed(text: &str) -> ApiError {
    ApiError::new("MALFORMED_QUERY", text)
}

fn tokens(text: &str) -> Result<Vec<Token>, ApiError> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            _ if letter.is_whitespace() => {}
            '\'' => tokens.push(Token::Text(quoted(&mut letters)?)),
            '(' => tokens.push(Token::Symbol("(")),
            ')' => tokens.push(Token::Symbol(")")),
            ',' => tokens.push(Token::Symbol(",")),
            '=' => tokens.push(Token::Symbol("=")),
            '!' if letters.next_if_eq(&'=').is_some() => tokens.push(Token::Symbol("!=")),
            '<' if letters.next_if_eq(&'=').is_some() => tokens.push(Token::Symbol("<=")),
            '<' if letters.next_if_eq(&'>').is_some() => tokens.push(Token::Symbol("<>")),
            '<' => tokens.push(Token::Symbol("<")),
            '>' if letters.next_if_eq(&'=').is_some() => tokens.push(Token::Symbol(">=")),
            '>' => tokens.push(Token::Symbol(">")),
            _ if in_word(letter) => {
                let mut word = letter.to_string();
                while let Some(more) = letters.next_if(|next| in_word(*next)) {
                    word.push(more);
                }
                tokens.push(Token::Word(word));
            }
            other => {
                return Err(malformed(&format!(
                    "line 1: no viable alternative at character '{other}'"
                )));
            }
        }
    }
    Ok(tokens)
}

fn in_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-' | ':' | '+')
}

fn quoted(letters: &mut Peekable<std::str::Chars<'_>>) -> Result<String, ApiError> {
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => return Ok(text),
            '\\' => text.push(match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some(same @ ('\'' | '"' | '\\' | '%' | '_')) => same,
                _ => return Err(malformed("line 1: illegal character sequence '\\'")),
            }),
            other => text.push(other),
        }
    }
    Err(malformed("unterminated string literal"))
}
