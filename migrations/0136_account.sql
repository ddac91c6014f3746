-- Null: as the browser prefers.
alter table users alter column language drop not null;
alter table users alter column language drop default;
update users set language = null;
alter table users add column theme text check (theme in ('light', 'dark'));
alter table users alter column timezone drop not null;
alter table users alter column timezone drop default;
update users set timezone = null;
