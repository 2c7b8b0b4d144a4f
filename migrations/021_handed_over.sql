-- An admin's name stands also where a conversation was passed on to them; it goes with them, without reading the whole log.
create index if not exists chat_messages_handed_to on public.chat_messages ((meta -> 'to' ->> 'id')) where meta ? 'to';
