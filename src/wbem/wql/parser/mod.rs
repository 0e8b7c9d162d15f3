//! A query's text as what it says.
//!
//! Floor 5. Pure. Recursive descent with one token in hand. The recursion follows parentheses and NOT only,
//! down to [`NESTING_MAX`], so no text can exhaust the stack. Words are keywords only where the grammar
//! wants one; NULL, TRUE and FALSE are never names.
//!
//! ```text
//! select = SELECT list FROM class [WITHIN number] [WHERE condition] [group]
//! group  = GROUP WITHIN number [BY properties] [HAVING NumberOfEvents comparison integer]
//! ```

mod association;
mod condition;

use std::time::Duration;

use super::ast::{
    ClassName, EventQuery, Group, Having, Place, PropertyName, Query, SchemaQuery, SelectList, SelectQuery,
};
use super::error::{WqlError, WqlErrorKind};
use super::lexer::{LexError, Lexer, Token, TokenKind};

/// The longest query that is read; a longer one is refused before it is looked at.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;

/// How deep parentheses and NOT may be nested.
pub const NESTING_MAX: usize = 128;

/// The most conditions of a query: all of them may have to be tried on every row.
pub const CONDITIONS_MAX: usize = 1024;

/// The most properties behind SELECT or BY.
pub const LIST_MAX: usize = 1024;

/// The most parts of a property's name: objects within objects.
pub const NAME_PARTS_MAX: usize = 16;

/// The longest interval, about 136 years: what 32 bits of seconds can tell.
const SECONDS_MAX: f64 = u32::MAX as f64;

/// The class whose instances are the classes.
const META_CLASS: &str = "meta_class";

/// What a query is for, which decides about clauses and about the numbers of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For objects, now.
    Data,
    /// For events, from now on.
    Event,
}

impl Query {
    /// Reads a query for objects.
    ///
    /// ```
    /// use msgpump::wbem::wql::Query;
    /// let query = Query::parse("select Name from Win32_Process where Name like 'a%'")?;
    /// assert_eq!(query.to_string(), r#"SELECT Name FROM Win32_Process WHERE Name LIKE "a%""#);
    /// # Ok::<(), msgpump::wbem::wql::WqlError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Query, WqlError> {
        let mut parser = Parser::new(text, Form::Data)?;
        let query = if parser.take_keyword("SELECT")? {
            parser.select()?
        } else if parser.take_keyword("ASSOCIATORS")? {
            Query::Associators(parser.associators()?)
        } else if parser.take_keyword("REFERENCES")? {
            Query::References(parser.references()?)
        } else {
            return parser.expected("SELECT, ASSOCIATORS OF or REFERENCES OF");
        };
        Ok(query)
    }
}

impl EventQuery {
    /// Reads a query for events.
    pub fn parse(text: &str) -> Result<EventQuery, WqlError> {
        let mut parser = Parser::new(text, Form::Event)?;
        parser.keyword("SELECT")?;
        let list = parser.select_list()?;
        parser.keyword("FROM")?;
        let class = parser.class_name()?;
        let within = if parser.take_keyword("WITHIN")? { Some(parser.seconds()?) } else { None };
        let condition = parser.optional_where()?;
        let group = if parser.take_keyword("GROUP")? { Some(parser.group()?) } else { None };
        parser.end(match (within, &condition, &group) {
            (None, None, None) => "WITHIN, WHERE, GROUP or the end of the query",
            (Some(_), None, None) => "WHERE, GROUP or the end of the query",
            (_, Some(_), None) => "AND, OR, GROUP or the end of the query",
            (_, _, Some(_)) => "the end of the query",
        })?;
        Ok(EventQuery { list, class, within, condition, group })
    }
}

/// Walks over the tokens.
struct Parser<'q> {
    text: &'q str,
    lexer: Lexer<'q>,
    form: Form,
    /// The token in hand.
    token: Token<'q>,
    /// How deep the condition in hand is nested.
    depth: usize,
    /// How many conditions there have been.
    conditions: usize,
}

impl<'q> Parser<'q> {
    /// Takes the first token in hand.
    fn new(text: &'q str, form: Form) -> Result<Parser<'q>, WqlError> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(WqlError { position: QUERY_BYTES_MAX, kind: WqlErrorKind::TooLong, form });
        }
        let token = Token { kind: TokenKind::End, start: 0, end: 0 };
        let mut parser = Parser { text, lexer: Lexer::new(text), form, token, depth: 0, conditions: 0 };
        parser.advance()?;
        Ok(parser)
    }

    /// Reads what follows SELECT in a query for objects.
    fn select(&mut self) -> Result<Query, WqlError> {
        let list_start = self.token.start;
        let list = self.select_list()?;
        self.keyword("FROM")?;
        let class = self.class_name()?;
        if self.is_keyword("WITHIN") {
            return self.error(WqlErrorKind::EventClause("WITHIN"));
        }
        let condition = self.optional_where()?;
        if self.is_keyword("GROUP") {
            return self.error(WqlErrorKind::EventClause("GROUP"));
        }
        self.end(match condition {
            None => "WHERE or the end of the query",
            Some(_) => "AND, OR or the end of the query",
        })?;
        if !class.text.eq_ignore_ascii_case(META_CLASS) {
            return Ok(Query::Select(SelectQuery { list, class, condition }));
        }
        if list != SelectList::All {
            let found = list_start..list_start + 1;
            let kind = WqlErrorKind::Expected {
                expected: "`*`, as classes have no other list",
                found: self.text[found].into(),
            };
            return Err(WqlError { position: list_start, kind, form: self.form });
        }
        Ok(Query::Schema(SchemaQuery { condition }))
    }

    /// Reads `*` or names with commas.
    fn select_list(&mut self) -> Result<SelectList, WqlError> {
        if self.token.kind == TokenKind::Star {
            self.advance()?;
            return Ok(SelectList::All);
        }
        self.properties("`*` or the name of a property").map(SelectList::Properties)
    }

    /// Reads names with commas.
    fn properties(&mut self, expected: &'static str) -> Result<Vec<PropertyName>, WqlError> {
        let mut properties = vec![self.property(expected)?];
        while self.token.kind == TokenKind::Comma {
            if properties.len() == LIST_MAX {
                return self.error(WqlErrorKind::TooMany("properties"));
            }
            self.advance()?;
            properties.push(self.property("the name of a property")?);
        }
        Ok(properties)
    }

    /// Reads a name with dots.
    fn property(&mut self, expected: &'static str) -> Result<PropertyName, WqlError> {
        let start = self.token.start;
        let mut end = self.token.end;
        let first = self.name(expected)?;
        if self.token.kind != TokenKind::Dot {
            return Ok(PropertyName { text: first.into(), place: place(start, end) });
        }
        let mut text = String::from(first);
        let mut parts = 1;
        while self.token.kind == TokenKind::Dot {
            if parts == NAME_PARTS_MAX {
                return self.error(WqlErrorKind::TooMany("parts of a name"));
            }
            self.advance()?;
            end = self.token.end;
            text.push('.');
            text.push_str(self.name("the name of a property")?);
            parts += 1;
        }
        Ok(PropertyName { text: text.into(), place: place(start, end) })
    }

    /// Reads the name of a class.
    fn class_name(&mut self) -> Result<ClassName, WqlError> {
        let place = place(self.token.start, self.token.end);
        Ok(ClassName { text: self.name("the name of a class")?.into(), place })
    }

    /// Reads `WHERE condition`, if it stands here.
    fn optional_where(&mut self) -> Result<Option<super::ast::Condition>, WqlError> {
        if self.take_keyword("WHERE")? { self.condition().map(Some) } else { Ok(None) }
    }

    /// Reads what follows GROUP.
    fn group(&mut self) -> Result<Group, WqlError> {
        if self.is_keyword("BY") || self.is_keyword("HAVING") {
            return self.error(WqlErrorKind::MissingGroupWithin);
        }
        self.keyword("WITHIN")?;
        let within = self.seconds()?;
        let mut by = Vec::new();
        if self.take_keyword("BY")? {
            if self.token.kind == TokenKind::Star {
                return self.error(WqlErrorKind::MissingAggregationList);
            }
            by = self.properties("the name of a property")?;
        }
        let having = if self.take_keyword("HAVING")? { Some(self.having()?) } else { None };
        Ok(Group { within, by, having })
    }

    /// Reads what follows HAVING.
    fn having(&mut self) -> Result<Having, WqlError> {
        self.keyword("NumberOfEvents")?;
        let TokenKind::Operator(operator) = self.token.kind else { return self.expected("a comparison") };
        self.advance()?;
        let TokenKind::Integer(count @ 0..) = self.token.kind else { return self.expected("a number of events") };
        let Ok(count) = count.try_into() else { return self.error(WqlErrorKind::NumberTooLarge) };
        self.advance()?;
        Ok(Having { operator, count })
    }

    /// Reads a number of seconds, above zero.
    fn seconds(&mut self) -> Result<Duration, WqlError> {
        let seconds = match self.token.kind {
            TokenKind::Integer(seconds) => seconds as f64,
            TokenKind::Real(seconds) => seconds,
            _ => return self.expected("a number of seconds"),
        };
        if seconds > SECONDS_MAX {
            return self.error(WqlErrorKind::NumberTooLarge);
        }
        // The nanoseconds of a fraction that is written with more digits are cut off.
        let duration = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO);
        if duration.is_zero() {
            return self.expected("a number of seconds above zero");
        }
        self.advance()?;
        Ok(duration)
    }

    /// Reads a word that is a name.
    fn name(&mut self, expected: &'static str) -> Result<&'q str, WqlError> {
        match self.token.kind {
            TokenKind::Word(word) if !is_constant(word) => {
                self.advance()?;
                Ok(word)
            }
            _ => self.expected(expected),
        }
    }

    /// Whether the keyword is in hand.
    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.token.kind, TokenKind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Steps over the keyword, if it is in hand.
    fn take_keyword(&mut self, keyword: &str) -> Result<bool, WqlError> {
        let is_here = self.is_keyword(keyword);
        if is_here {
            self.advance()?;
        }
        Ok(is_here)
    }

    /// Steps over the keyword, which must be in hand.
    fn keyword(&mut self, keyword: &'static str) -> Result<(), WqlError> {
        if self.take_keyword(keyword)? { Ok(()) } else { self.expected(keyword) }
    }

    /// Takes the next token in hand.
    fn advance(&mut self) -> Result<(), WqlError> {
        self.token = self.lexer.token().map_err(|error| self.lex_error(error))?;
        Ok(())
    }

    /// Checks that there is nothing more.
    fn end(&self, expected: &'static str) -> Result<(), WqlError> {
        if self.token.kind == TokenKind::End { Ok(()) } else { self.expected(expected) }
    }

    /// The error of something else being in hand.
    fn expected<T>(&self, expected: &'static str) -> Result<T, WqlError> {
        /// The most of a text that is shown as what was found.
        const FOUND_LETTERS_MAX: usize = 40;
        let found = self.text[self.token.start..self.token.end].chars().take(FOUND_LETTERS_MAX).collect::<String>();
        self.error(WqlErrorKind::Expected { expected, found: found.into() })
    }

    /// The error of what is in hand.
    fn error<T>(&self, kind: WqlErrorKind) -> Result<T, WqlError> {
        Err(WqlError { position: self.token.start, kind, form: self.form })
    }

    /// The error of letters that are no token.
    fn lex_error(&self, (position, kind): LexError) -> WqlError {
        WqlError { position, kind, form: self.form }
    }
}

/// Whether the word is a constant and therefore never a name.
fn is_constant(word: &str) -> bool {
    ["NULL", "TRUE", "FALSE"].iter().any(|constant| word.eq_ignore_ascii_case(constant))
}

/// A part of a text, whose length is under [`QUERY_BYTES_MAX`].
fn place(start: usize, end: usize) -> Place {
    Place { start: start as u32, end: end as u32 }
}

#[cfg(test)]
mod tests;
