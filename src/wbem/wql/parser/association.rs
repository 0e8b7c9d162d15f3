//! Queries that follow associations.
//!
//! Floor 5. Pure. Keywords follow each other without AND and commas, in any order, each once.
//!
//! ```text
//! ASSOCIATORS OF {path} [WHERE keyword = name ... ClassDefsOnly ...]
//! REFERENCES OF {path} [WHERE ...]
//! ```

use super::super::ast::{AssociatorsQuery, Operator, Output, ReferencesQuery};
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

/// The keywords that have been read.
struct Filters<const N: usize> {
    /// The keywords that the query has.
    keywords: &'static [&'static str; N],
    /// The names behind them, in their order.
    names: [Option<Box<str>>; N],
    /// The keyword that stands alone, and what it asks for.
    output: Option<(&'static str, Output)>,
}

impl<const N: usize> Filters<N> {
    /// Whether there is a name behind `keyword`.
    fn has(&self, keyword: &str) -> bool {
        self.keywords.iter().zip(&self.names).any(|(known, name)| *known == keyword && name.is_some())
    }

    /// What is asked for.
    fn output(&self) -> Output {
        self.output.map_or(Output::Objects, |(_, output)| output)
    }
}

impl Parser<'_> {
    /// Reads what follows ASSOCIATORS.
    pub(super) fn associators(&mut self) -> Result<AssociatorsQuery, WqlError> {
        let path = self.source()?;
        let filters = self.filters(&path, &ASSOCIATORS, "a keyword of ASSOCIATORS OF")?;
        let output = filters.output();
        let [association_class, result_class, result_role, role, required_qualifier, required_association_qualifier] =
            filters.names;
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
        let filters = self.filters(&path, &REFERENCES, "a keyword of REFERENCES OF")?;
        let output = filters.output();
        let [result_class, role, required_qualifier] = filters.names;
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

    /// Reads the keywords behind WHERE up to the end of the query.
    fn filters<const N: usize>(
        &mut self,
        path: &ObjectPath,
        keywords: &'static [&'static str; N],
        expected: &'static str,
    ) -> Result<Filters<N>, WqlError> {
        let mut filters = Filters { keywords, names: [const { None }; N], output: None };
        if !self.take_keyword("WHERE")? {
            self.end("WHERE or the end of the query")?;
            return Ok(filters);
        }
        loop {
            if let Some(alone) = OUTPUTS.into_iter().find(|(keyword, _)| self.is_keyword(keyword)) {
                self.output(path, alone, &mut filters)?;
            } else if let Some(index) = keywords.iter().position(|keyword| self.is_keyword(keyword)) {
                self.filter(index, &mut filters)?;
            } else {
                return self.expected(expected);
            }
            if self.token.kind == TokenKind::End {
                return Ok(filters);
            }
        }
    }

    /// Reads a keyword that stands alone.
    fn output<const N: usize>(
        &mut self,
        path: &ObjectPath,
        (keyword, output): (&'static str, Output),
        filters: &mut Filters<N>,
    ) -> Result<(), WqlError> {
        if let Some((before, _)) = filters.output {
            return self.error(exclusive(keyword, before));
        }
        if output == Output::Schema && !path.is_class() {
            return self.error(WqlErrorKind::SchemaOfInstance);
        }
        if output == Output::Classes && filters.has("ResultClass") {
            return self.error(exclusive(keyword, "ResultClass"));
        }
        filters.output = Some((keyword, output));
        self.advance()
    }

    /// Reads a keyword and the name behind it.
    fn filter<const N: usize>(&mut self, index: usize, filters: &mut Filters<N>) -> Result<(), WqlError> {
        let keyword = filters.keywords[index];
        if filters.names[index].is_some() {
            return self.error(WqlErrorKind::Repeated(keyword));
        }
        if keyword == "ResultClass" && filters.output() == Output::Classes {
            return self.error(exclusive("ClassDefsOnly", keyword));
        }
        self.advance()?;
        if self.token.kind != TokenKind::Operator(Operator::Equal) {
            return self.expected("`=`");
        }
        self.advance()?;
        filters.names[index] = Some(self.name("a name")?.into());
        Ok(())
    }
}

/// The error of two keywords that cannot stand together.
fn exclusive(one: &'static str, other: &'static str) -> WqlErrorKind {
    if one == other { WqlErrorKind::Repeated(one) } else { WqlErrorKind::Exclusive(one, other) }
}
