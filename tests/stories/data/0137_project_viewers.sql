-- Nobody sees what is not there, and the superuser sees everything.
do $$ begin
    if exists (select from projects p, users u where u.is_superuser and not exists (select from project_viewers v where v.project_id = p.id and v.user_id = u.id)) then
        raise exception 'a superuser does not see a project';
    end if;
end $$;
