//! What follows WHERE.
//!
//! Floor 5. Pure. NOT binds tighter than AND, AND tighter than OR. A constant on the left is turned to
//! the right, and a comparison with NULL becomes the question whether there is a value.
//!
//! ```text
//! condition = conjunction {OR conjunction}
//! conjunction = factor {AND factor}
//! factor = NOT factor | "(" condition ")" | property check | constant comparison property
//! check = comparison constant | LIKE text | ISA class | IS [NOT] NULL
//! ```

use super::super::ast::{Check, Condition, Literal, LiteralValue, Operator, Pair, Place, PropertyName};
use super::super::error::{WqlError, WqlErrorKind};
use super::super::lexer::TokenKind;
use super::{CONDITIONS_MAX, Form, NESTING_MAX, Parser, is_constant, place};
use crate::wbem::fold;

/// The two objects of a modification event, whose properties may be compared with each other.
const EVENT_OBJECTS: [&str; 2] = ["TargetInstance", "PreviousInstance"];

/// A constant as it is written.
enum Constant {
    Null,
    Literal(Literal),
}

impl Parser<'_> {
    /// Reads conditions with OR between them.
    pub(super) fn condition(&mut self) -> Result<Condition, WqlError> {
        let first = self.conjunction()?;
        if !self.is_keyword("OR") {
            return Ok(first);
        }
        let mut conditions = vec![first];
        while self.take_keyword("OR")? {
            conditions.push(self.conjunction()?);
        }
        Ok(Condition::Or(conditions))
    }

    /// Reads conditions with AND between them.
    fn conjunction(&mut self) -> Result<Condition, WqlError> {
        let first = self.factor()?;
        if !self.is_keyword("AND") {
            return Ok(first);
        }
        let mut conditions = vec![first];
        while self.take_keyword("AND")? {
            conditions.push(self.factor()?);
        }
        Ok(Condition::And(conditions))
    }

    /// Reads a condition that AND and OR cannot split.
    fn factor(&mut self) -> Result<Condition, WqlError> {
        let is_not = self.is_keyword("NOT");
        if !is_not && self.token.kind != TokenKind::Open {
            return self.test();
        }
        if self.depth == NESTING_MAX {
            return self.error(WqlErrorKind::TooDeep);
        }
        self.depth += 1;
        self.advance()?;
        let condition = if is_not {
            Condition::Not(Box::new(self.factor()?))
        } else {
            let condition = self.condition()?;
            if self.token.kind != TokenKind::Close {
                return self.expected("AND, OR or `)`");
            }
            self.advance()?;
            condition
        };
        self.depth -= 1;
        Ok(condition)
    }

    /// Reads a condition on a property.
    fn test(&mut self) -> Result<Condition, WqlError> {
        if self.conditions == CONDITIONS_MAX {
            return self.error(WqlErrorKind::TooMany("conditions"));
        }
        self.conditions += 1;
        if let Some(constant) = self.constant()? {
            let (operator, operator_place) = self.operator("a comparison")?;
            self.check_null(&constant, operator, operator_place)?;
            // As at the beginning of a condition, where it could be no name.
            if self.is_keyword("NOT") {
                return self.expected("the name of a property");
            }
            let property = self.property("the name of a property")?;
            return Ok(Condition::Test(property, compare(operator.mirrored(), operator_place, constant)));
        }
        let property = self.property("a condition")?;
        let check_place = place(self.token.start, self.token.end);
        let check = if self.take_keyword("LIKE")? {
            let (pattern, pattern_place) = self.text("a pattern in quotes")?;
            Check::Like(check_place, pattern, pattern_place)
        } else if self.take_keyword("ISA")? {
            Check::Isa(check_place, self.class_in_or_out_of_quotes()?)
        } else if self.take_keyword("IS")? {
            let is_not = self.take_keyword("NOT")?;
            self.keyword("NULL")?;
            if is_not { Check::NotNull } else { Check::Null }
        } else {
            return self.comparison(property);
        };
        Ok(Condition::Test(property, check))
    }

    /// Reads a comparison and what follows it.
    fn comparison(&mut self, property: PropertyName) -> Result<Condition, WqlError> {
        let (operator, operator_place) = self.operator("a comparison, LIKE, ISA or IS")?;
        if let Some(constant) = self.constant()? {
            self.check_null(&constant, operator, operator_place)?;
            return Ok(Condition::Test(property, compare(operator, operator_place, constant)));
        }
        if self.form == Form::Data {
            return self.expected("a constant");
        }
        let start = self.token.start;
        let right = self.property("a constant")?;
        let objects = [&property, &right].map(|name| {
            // The class of the event may stand before its property, and no property begins with an underscore.
            let first = name.parts().find(|part| !part.starts_with("__"));
            EVENT_OBJECTS.iter().position(|object| first.is_some_and(|part| fold::equal(part, object)))
        });
        match objects {
            [Some(left), Some(other)] if left != other => {
                Ok(Condition::Pair(Box::new(Pair { left: property, operator, right })))
            }
            _ => {
                let expected = "a constant, or a property of the other of TargetInstance and PreviousInstance";
                let kind = WqlErrorKind::Expected { expected, found: right.text };
                Err(WqlError { position: start, kind, form: self.form })
            }
        }
    }

    /// Reads a comparison's sign.
    fn operator(&mut self, expected: &'static str) -> Result<(Operator, Place), WqlError> {
        let TokenKind::Operator(operator) = self.token.kind else { return self.expected(expected) };
        let operator_place = place(self.token.start, self.token.end);
        self.advance()?;
        Ok((operator, operator_place))
    }

    /// Reads a constant, if one is in hand.
    fn constant(&mut self) -> Result<Option<Constant>, WqlError> {
        let place = place(self.token.start, self.token.end);
        let value = match &self.token.kind {
            TokenKind::String(text) => LiteralValue::String((**text).into()),
            TokenKind::Integer(number) => LiteralValue::Integer(*number),
            TokenKind::Real(number) => LiteralValue::Real(*number),
            TokenKind::Word(word) if is_constant(word) => {
                let constant = match word.as_bytes()[0].to_ascii_uppercase() {
                    b'N' => Constant::Null,
                    first => Constant::Literal(Literal { value: LiteralValue::Boolean(first == b'T'), place }),
                };
                self.advance()?;
                return Ok(Some(constant));
            }
            _ => return Ok(None),
        };
        self.advance()?;
        Ok(Some(Constant::Literal(Literal { value, place })))
    }

    /// Checks that NULL is not asked to be more or less than something.
    fn check_null(&self, constant: &Constant, operator: Operator, place: Place) -> Result<(), WqlError> {
        match constant {
            Constant::Null if !operator.is_equality() => {
                let kind = WqlErrorKind::Operator("nothing is more or less than NULL");
                Err(WqlError { position: place.start as usize, kind, form: self.form })
            }
            _ => Ok(()),
        }
    }

    /// Reads a text in quotes.
    fn text(&mut self, expected: &'static str) -> Result<(Box<str>, Place), WqlError> {
        let TokenKind::String(text) = &self.token.kind else { return self.expected(expected) };
        let read = ((**text).into(), place(self.token.start, self.token.end));
        self.advance()?;
        Ok(read)
    }

    /// Reads the name of a class, which may stand in quotes behind ISA.
    fn class_in_or_out_of_quotes(&mut self) -> Result<Box<str>, WqlError> {
        match self.token.kind {
            TokenKind::String(_) => self.text("the name of a class").map(|(name, _)| name),
            _ => self.name("the name of a class").map(Into::into),
        }
    }
}

/// The check of a comparison with a constant on the right.
fn compare(operator: Operator, place: Place, constant: Constant) -> Check {
    match (constant, operator) {
        (Constant::Literal(literal), _) => Check::Compare(operator, place, literal),
        (Constant::Null, Operator::Equal) => Check::Null,
        (Constant::Null, _) => Check::NotNull,
    }
}
