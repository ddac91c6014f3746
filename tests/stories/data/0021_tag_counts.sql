insert into issue_tags (project_id, issue_id, tag, events, first_seen, last_seen, key, value)
select project_id, id, id, 1, now(), now(), 'region', 'region ' || id from issues;
insert into issue_tag_keys (project_id, issue_id, key, values, others) select project_id, id, 'region', 1, 0 from issues;
insert into tag_values (project_id, tag, key, value, seen_on) select project_id, tag, key, value, current_date from issue_tags;
insert into tag_keys (project_id, key, values) select project_id, key, count(*) from tag_values group by project_id, key;
