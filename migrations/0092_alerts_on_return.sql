-- Whether a rule that tells of new issues tells of those that come back, too: resolved ones that happened again, and ignored ones
-- that are worth another look.
alter table alert_rules add column on_return boolean not null default true;
