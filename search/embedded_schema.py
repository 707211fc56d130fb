"""The tantivy schema, from the table of fields, and rows as tantivy documents."""

import tantivy

from search.fields import FIELDS, TEXT_FIELDS, FieldType
from search.records import Row

WHOLE = "raw"
TOKENS = "tokens"
"""Our own analyzer: splits at white space and does nothing else, as Elasticsearch's whitespace analyzer."""

INTEGERS = ("version", "time_order", "level_order")
VIEWS = tuple(f"{name}_{view}" for name in TEXT_FIELDS for view in ("words", "grams"))


def build_schema() -> tantivy.Schema:
    """What is asked for by value is indexed; all but text are fast fields, which ranges, orders and counts read; one
    stored blob holds what people see."""
    builder = tantivy.SchemaBuilder()
    for view in VIEWS:
        # Phrases are looked for in the grams, and how often they stand there; of words it is enough that they do.
        option = "position" if view.endswith("grams") else "basic"
        builder.add_text_field(view, tokenizer_name=TOKENS, index_option=option)
    for name in INTEGERS:
        builder.add_integer_field(name, fast=True)
    for field in FIELDS:
        match field.type:
            case FieldType.KEYWORD:
                builder.add_text_field(field.name, fast=True, tokenizer_name=WHOLE, index_option="basic")
            case FieldType.MENTIONS:
                builder.add_text_field(field.name, tokenizer_name=WHOLE, index_option="basic")
            case FieldType.INTEGER:
                builder.add_integer_field(field.name, indexed=True, fast=True)
            case FieldType.DATE:
                builder.add_integer_field(field.name, fast=True)
            case FieldType.NUMBER:
                builder.add_float_field(field.name, fast=True)
            case FieldType.BOOLEAN:
                builder.add_boolean_field(field.name, indexed=True, fast=True)
    builder.add_bytes_field("shown", stored=True)
    return builder.build()


def register(index: tantivy.Index) -> tantivy.Index:
    """Every opened index must be told our analyzer before it is written."""
    index.register_tokenizer(TOKENS, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    return index


def document_of(row: Row, packed: bytes) -> tantivy.Document:
    """`row` as a document: what is searched, and the blob that is stored."""
    document = tantivy.Document()
    for field in FIELDS:
        if field.name not in row or field.type is FieldType.TEXT:
            continue
        for value in row[field.name] if field.many else [row[field.name]]:
            match field.type:
                case FieldType.KEYWORD | FieldType.MENTIONS:
                    document.add_text(field.name, value)
                case FieldType.NUMBER:
                    document.add_float(field.name, float(value))
                case FieldType.BOOLEAN:
                    document.add_boolean(field.name, value)
                case _:
                    document.add_integer(field.name, value)
    for name in INTEGERS:
        document.add_integer(name, row[name])
    for view in VIEWS:
        document.add_text(view, row[view])
    document.add_bytes("shown", packed)
    return document
