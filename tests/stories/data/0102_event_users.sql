insert into event_users (project_id, tag, email, seen_on) select project_id, tag, 'grace@example.com', current_date from issue_tags on conflict do nothing;
