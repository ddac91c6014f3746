-- Mails of what happens to issues that somebody takes part in, besides those of rules; null is what they want of all projects.
alter table mail_preferences alter column alerts drop not null;
alter table mail_preferences add column activity boolean;

-- By what robots of chats call somebody.
create table user_contacts (
    user_id bigint not null references users on delete cascade,
    kind    text   not null check (kind in ('mobile', 'dingtalk', 'feishu', 'wecom')),
    value   text   not null check (value <> ''),
    primary key (user_id, kind)
);
