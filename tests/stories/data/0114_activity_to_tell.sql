insert into issue_activity (project_id, issue_id, at, kind, user_id, data) select i.project_id, i.id, now(), 'note', u.id, '{"text": "Seen"}' from issues i, users u;
insert into deliveries (project_id, id, rule_id, event_id, issue_id, channel_id, user_id, news, created_at, activity_id)
select a.project_id, gen_random_uuid(), 0, gen_random_uuid(), a.issue_id, 0, a.user_id, 6, now(), a.id from issue_activity a where a.kind = 'note' and a.user_id is not null;
