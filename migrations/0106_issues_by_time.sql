-- Lists of issues of every status, latest and newest first. Issues are few: these are made in a moment, while ingest waits in
-- its queue.
create index issues_by_last_seen_of_all on issues (project_id, last_seen desc, id desc);
create index issues_by_first_seen on issues (project_id, first_seen desc, id desc);
-- Keys with more values than are counted for themselves: there a search asks the events.
create index issue_tag_keys_uncounted on issue_tag_keys (project_id, key, issue_id) where others > 0;
