insert into discarded_issues (project_id, id, title, culprit, level, kind, discarded_at)
select id, nextval('issue_ids'), 'Gone', '', 40, 'error', now() from projects;
