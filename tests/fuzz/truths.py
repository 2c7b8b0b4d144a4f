"""What must be true of the database whatever was sent to the server."""

from tests.fuzz.forge import NOTE

TRUTHS = {
    "the places of a session are 1 to its seq": """
      select s.id from chat_sessions s left join chat_messages m on m.session_id = s.id group by s.id
      having count(m.seq) <> s.seq or coalesce(max(m.seq), 0) <> s.seq or coalesce(min(m.seq), 1) <> 1""",
    "no turn goes back": """
      select session_id from (select session_id, turn, lag(turn) over (partition by session_id order by seq) as before
        from chat_messages) t where turn < before""",
    "no event is of a turn that has not begun": """
      select s.id from chat_sessions s join chat_messages m on m.session_id = s.id and m.turn > s.turn""",
    "a note is in no conversation_log": f"""
      select id from chat_sessions where conversation_log::text like '%{NOTE}%'""",
    "notes are written by admins": """
      select m.session_id from chat_messages m join users u on u.id = m.author_id
      where m.kind = 'note' and u.role <> 'admin'""",
    "nobody speaks in somebody else's session": """
      select m.session_id from chat_messages m join chat_sessions s on s.id = m.session_id
      join users u on u.id = m.author_id
      where m.kind = 'message' and u.role <> 'admin' and s.user_id <> m.author_id""",
    "only an admin holds a session": """
      select s.id from chat_sessions s join users u on u.id = s.admin_id where u.role <> 'admin'""",
    "nothing is stored that cannot be": """
      select session_id from chat_messages where length(content) > 8000 and role = 'user'""",
}  # fmt: skip
