//! Whose fault it is that a batch could not be saved, read from PostgreSQL's codes:
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

/// A batch that met others so often is not unlucky.
const MOST_COLLISIONS: usize = 8;

/// What a failed batch suffers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Another transaction was in the way: a deadlock, a failed serialization, the same event stored a moment ago.
    Collision,
    /// A day has no partition.
    Partition,
    /// The database refuses something that is in the batch.
    Data,
    /// It took longer than the database allows.
    Slow,
    /// The database is away, full, read only …: no fault of the batch.
    Away,
}

impl Failure {
    /// What it is, for a batch that has met so many collisions already.
    pub(super) fn of(error: &sqlx::Error, collisions: usize) -> Failure {
        match (error, error.as_database_error()) {
            // An issue of the batch was deleted a moment ago.
            (sqlx::Error::RowNotFound, _) if collisions < MOST_COLLISIONS => Failure::Collision,
            // check_violation: of a constraint with a name, or because no partition takes the row.
            (_, Some(error)) if error.constraint().is_some() && error.code().as_deref() == Some("23514") => {
                Failure::Data
            }
            (_, Some(error)) => error.code().map_or(Failure::Away, |code| Failure::of_code(&code, collisions)),
            _ => Failure::Away,
        }
    }

    fn of_code(code: &str, collisions: usize) -> Failure {
        match code {
            "40001" | "40P01" | "23505" if collisions < MOST_COLLISIONS => Failure::Collision,
            "23514" => Failure::Partition,
            "57014" => Failure::Slow,
            // Values that are refused, or that are more than a field or index row may hold.
            _ if ["22", "23", "54"].iter().any(|class| code.starts_with(class)) => Failure::Data,
            _ => Failure::Away,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nobodys_fault_is_tried_again_and_never_rejects_an_event() {
        for code in ["40001", "40P01"] {
            assert_eq!(Failure::of_code(code, 0), Failure::Collision);
            assert_eq!(Failure::of_code(code, MOST_COLLISIONS), Failure::Away);
        }
        for code in ["57P01", "53100", "25006", "08006"] {
            assert_eq!(Failure::of_code(code, 0), Failure::Away);
        }
        assert_eq!(Failure::of(&sqlx::Error::PoolTimedOut, 0), Failure::Away);
    }

    #[test]
    fn what_is_in_the_batch_is_looked_for_in_it() {
        for code in ["22021", "22P05", "23502", "54000"] {
            assert_eq!(Failure::of_code(code, 0), Failure::Data);
        }
        assert_eq!(Failure::of_code("23505", MOST_COLLISIONS), Failure::Data);
        assert_eq!(Failure::of_code("23514", 0), Failure::Partition);
    }
}
