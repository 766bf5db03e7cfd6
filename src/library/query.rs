//! Listing pictures and searching their prompts.

use std::path::Path;

use rusqlite::{Row, ToSql};

use super::database::{FolderId, Library, LibraryError};
use super::stored_path;
use crate::protocol::{Day, KnownPicture, Listing, PictureId, PictureQuery, is_unspaced};

const COLUMNS: &str = "id, folder_id, path, prompt, seed, model, software, width, height, n_bytes,
    unixepoch(modified_ns / 1000000000, 'unixepoch', 'localtime'), problem, starred";

impl Library {
    /// Pictures of a folder, and single files from anywhere, that fit the query; newest first.
    ///
    /// # Errors
    /// [`LibraryError::Database`].
    pub fn list(&self, root: &Path, query: &PictureQuery) -> Result<Listing, LibraryError> {
        let folder = self.folder(root)?;
        let loose = self.folder(Path::new(""))?;
        let search = Search::of(&query.text);
        let mut conditions = vec!["folder_id IN (?1, ?2)".to_owned()];
        let mut values: Vec<&dyn ToSql> = vec![&folder.0, &loose.0];
        if query.starred_only {
            conditions.push("starred".to_owned());
        }
        if let Some(words) = &search.words {
            values.push(words);
            let found = "SELECT rowid FROM picture_words WHERE picture_words MATCH";
            conditions.push(format!("id IN ({found} ?{})", values.len()));
        }
        for part in &search.parts {
            values.push(part);
            let is_in = format!("LIKE ?{} ESCAPE '\\'", values.len());
            conditions.push(format!("(prompt {is_in} OR name {is_in})"));
        }
        let conditions = conditions.join(" AND ");
        let sql = format!(
            "SELECT {COLUMNS} FROM pictures WHERE {conditions} ORDER BY modified_ns DESC, id DESC"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let read = |row: &Row<'_>| picture(row, root, folder);
        let pictures =
            statement.query_map(values.as_slice(), read)?.collect::<Result<Vec<_>, _>>()?;
        let count = |condition: &str| {
            let sql =
                format!("SELECT count(*) FROM pictures WHERE folder_id IN (?1, ?2) {condition}");
            let mut statement = self.connection.prepare_cached(&sql)?;
            statement.query_row([folder.0, loose.0], |row| row.get::<_, i64>(0))
        };
        let now = "SELECT unixepoch('now', 'localtime')";
        let now_secs: i64 = self.connection.query_row(now, [], |row| row.get(0))?;
        Ok(Listing {
            query: query.clone(),
            pictures,
            n_known: count("")? as usize,
            n_problems: count("AND problem IS NOT NULL")? as usize,
            today: Day::of_secs(now_secs),
            serial: 0,
        })
    }

    /// One picture, if it is known.
    ///
    /// # Errors
    /// [`LibraryError::Database`].
    pub fn picture(
        &self,
        root: &Path,
        id: PictureId,
    ) -> Result<Option<KnownPicture>, LibraryError> {
        use rusqlite::OptionalExtension as _;
        let folder = self.folder(root)?;
        let sql = format!("SELECT {COLUMNS} FROM pictures WHERE id = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([id.0], |row| picture(row, root, folder)).optional()?)
    }
}

fn picture(row: &Row<'_>, root: &Path, folder: FolderId) -> rusqlite::Result<KnownPicture> {
    let path = stored_path::from_bytes(row.get(2)?);
    let is_in_root = row.get::<_, i64>(1)? == folder.0;
    let (width, height): (Option<u32>, Option<u32>) = (row.get(7)?, row.get(8)?);
    Ok(KnownPicture {
        id: PictureId(row.get(0)?),
        path: if is_in_root { root.join(path) } else { path },
        prompt: row.get(3)?,
        seed: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
        model: row.get(5)?,
        software: row.get(6)?,
        size_px: width.zip(height),
        n_bytes: row.get::<_, i64>(9)?.max(0) as u64,
        // Times beyond the calendar have no day.
        written_at_secs: row.get::<_, Option<i64>>(10)?.unwrap_or(0),
        problem: row.get(11)?,
        is_starred: row.get(12)?,
    })
}

/// What was typed, as the database understands it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Search {
    /// Beginnings of words, in the language of FTS5: case and accents do not count.
    pub(super) words: Option<String>,
    /// Parts of text with wildcards around, for scripts that put no space between words.
    pub(super) parts: Vec<String>,
}

impl Search {
    pub(super) fn of(text: &str) -> Self {
        let mut search = Self::default();
        let mut words = Vec::new();
        for word in text.split_whitespace() {
            if !word.contains(char::is_alphanumeric) {
                continue;
            }
            if word.contains(is_unspaced) {
                let mut part = "%".to_owned();
                for c in word.chars() {
                    if matches!(c, '%' | '_' | '\\') {
                        part.push('\\');
                    }
                    part.push(c);
                }
                part.push('%');
                search.parts.push(part);
            } else {
                words.push(format!("\"{}\"*", word.replace(['"', '\0'], " ")));
            }
        }
        search.words = (!words.is_empty()).then(|| words.join(" "));
        search
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_cannot_be_taken_for_commands() {
        let words = |text: &str| Search::of(text).words;
        assert_eq!(words("red app").as_deref(), Some("\"red\"* \"app\"*"));
        assert_eq!(words("a\"b* OR -").as_deref(), Some("\"a b*\"* \"OR\"*"));
        assert_eq!(words(" ... "), None);
        assert_eq!(Search::of("桜% cat").parts, ["%桜\\%%"]);
        assert_eq!(words("桜 cat").as_deref(), Some("\"cat\"*"));
    }
}
