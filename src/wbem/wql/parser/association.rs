//! Queries that follow associations.
//!
//! Floor 1. Pure. Keywords follow each other without AND and commas, in any order, each once.
//!
//! ```text
//! ASSOCIATORS OF {path} [WHERE keyword = name ... ClassDefsOnly ...]
//! REFERENCES OF {path} [WHERE ...]
//! ```

use super::super::ast::{AssociatorsQuery, Output, ReferencesQuery};
use super::super::error::{WqlError, WqlErrorKind};
use super::super::lexer::TokenKind;
use super::Parser;
use crate::wbem::path::ObjectPath;

/// The keywords that stand alone, and what they ask for.
const OUTPUTS: [(&str, Output); 3] =
    [("ClassDefsOnly", Output::Classes), ("KeysOnly", Output::Keys), ("SchemaOnly", Output::Schema)];

/// The keywords of either query that have a name behind them.
const ASSOCIATORS: [&str; 6] =
    ["AssocClass", "ResultClass", "ResultRole", "Role", "RequiredQualifier", "RequiredAssocQualifier"];
const REFERENCES: [&str; 3] = ["ResultClass", "Role", "RequiredQualifier"];

impl Parser<'_> {
    /// Reads what follows ASSOCIATORS.
    pub(super) fn associators(&mut self) -> Result<AssociatorsQuery, WqlError> {
        let path = self.source()?;
        let (names, output) = self.filters(&path, &ASSOCIATORS, "a keyword of ASSOCIATORS OF")?;
        let [association_class, result_class, result_role, role, required_qualifier, required_association_qualifier] =
            names;
        Ok(AssociatorsQuery {
            path,
            association_class,
            result_class,
            result_role,
            role,
            required_qualifier,
            required_association_qualifier,
            output,
        })
    }

    /// Reads what follows REFERENCES.
    pub(super) fn references(&mut self) -> Result<ReferencesQuery, WqlError> {
        let path = self.source()?;
        let (names, output) = self.filters(&path, &REFERENCES, "a keyword of REFERENCES OF")?;
        let [result_class, role, required_qualifier] = names;
        Ok(ReferencesQuery { path, result_class, role, required_qualifier, output })
    }

    /// Reads `OF {path}`.
    fn source(&mut self) -> Result<ObjectPath, WqlError> {
        self.keyword("OF")?;
        if self.token.kind != TokenKind::OpenBrace {
            return self.expected("`{` and the path of an object");
        }
        let (text, start) = self.lexer.path(self.token.start).map_err(|error| self.lex_error(error))?;
        let path = ObjectPath::parse(text)
            .map_err(|error| self.lex_error((start + error.position, WqlErrorKind::Path(error.kind))))?;
        self.advance()?;
        Ok(path)
    }

    /// Reads the keywords behind WHERE; the names come in the order of `keywords`.
    fn filters<const N: usize>(
        &mut self,
        path: &ObjectPath,
        keywords: &[&'static str; N],
        expected: &'static str,
    ) -> Result<([Option<Box<str>>; N], Output), WqlError> {
        let mut names = [const { None }; N];
        let mut output = None;
        if self.take_keyword("WHERE")? {
            loop {
                self.filter(path, keywords, &mut names, &mut output, expected)?;
                if self.token.kind == TokenKind::End {
                    break;
                }
            }
        }
        self.end("WHERE or the end of the query")?;
        Ok((names, output.map_or(Output::Objects, |(output, _)| output)))
    }

    /// Reads one keyword, and its name if it has one.
    fn filter<const N: usize>(
        &mut self,
        path: &ObjectPath,
        keywords: &[&'static str; N],
        names: &mut [Option<Box<str>>; N],
        output: &mut Option<(Output, &'static str)>,
        expected: &'static str,
    ) -> Result<(), WqlError> {
        if let Some((keyword, wanted)) = OUTPUTS.into_iter().find(|(keyword, _)| self.is_keyword(keyword)) {
            if let Some((_, before)) = *output {
                return self.error(exclusive(keyword, before));
            }
            if wanted == Output::Schema && !path.is_class() {
                return self.error(WqlErrorKind::SchemaOfInstance);
            }
            let has_result_class =
                keywords.iter().zip(&*names).any(|(name, value)| *name == "ResultClass" && value.is_some());
            if wanted == Output::Classes && has_result_class {
                return self.error(exclusive(keyword, "ResultClass"));
            }
            *output = Some((wanted, keyword));
            return self.advance();
        }
        let Some(index) = keywords.iter().position(|keyword| self.is_keyword(keyword)) else {
            return self.expected(expected);
        };
        if names[index].is_some() {
            return self.error(WqlErrorKind::Repeated(keywords[index]));
        }
        if keywords[index] == "ResultClass" && matches!(output, Some((Output::Classes, _))) {
            return self.error(exclusive("ClassDefsOnly", "ResultClass"));
        }
        self.advance()?;
        if self.token.kind != TokenKind::Operator(super::super::ast::Operator::Equal) {
            return self.expected("`=`");
        }
        self.advance()?;
        names[index] = Some(self.name("a name")?.into());
        Ok(())
    }
}

/// The error of two keywords that cannot stand together.
fn exclusive(one: &'static str, other: &'static str) -> WqlErrorKind {
    if one == other { WqlErrorKind::Repeated(one) } else { WqlErrorKind::Exclusive(one, other) }
}
