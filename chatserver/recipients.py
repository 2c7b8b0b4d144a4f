"""Who outside this server gets something of a resume, as the settings have it."""

from chatserver.adapters import openai
from chatserver.core.consent import Recipients, embeddings_recipient, files_recipient, model_recipient
from chatserver.settings import Settings


def recipients_of(settings: Settings) -> Recipients:
    """The database and Redis are the server's own, wherever they are rented."""
    embeddings = {openai.MODEL: embeddings_recipient(openai.MODEL, openai.BASE_URL)} if settings.openai_api_key else {}
    return Recipients(
        model_recipient(settings.chat_model, settings.anthropic_base_url) if settings.anthropic_api_key else None,
        embeddings,
        files_recipient(settings.supabase_url) if settings.supabase_url and settings.supabase_service_key else None,
    )
