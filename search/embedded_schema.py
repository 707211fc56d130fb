"""The tantivy schema, from the table of fields, and rows as tantivy documents."""

import json

import tantivy

from search.fields import FIELDS, TEXT_FIELDS, FieldType
from search.records import HIDDEN, Row

WHOLE = "raw"
TOKENS = "tokens"
"""Our own analyzer: splits at white space and does nothing else, as Elasticsearch's whitespace analyzer."""

INTEGERS = ("version", "time_order", "level_order")
VIEWS = tuple(f"{name}_{view}" for name in TEXT_FIELDS for view in ("words", "grams"))


def build_schema() -> tantivy.Schema:
    """Every field indexed; all but text as fast fields too; one stored blob with what people see."""
    builder = tantivy.SchemaBuilder()
    for view in VIEWS:
        # Phrases are looked for in the grams; words need no positions.
        option = "position" if view.endswith("grams") else "freq"
        builder.add_text_field(view, tokenizer_name=TOKENS, index_option=option)
    for name in INTEGERS:
        builder.add_integer_field(name, indexed=True, fast=True)
    for field in FIELDS:
        match field.type:
            case FieldType.KEYWORD:
                stored = field.name == "id"
                builder.add_text_field(field.name, stored=stored, fast=True, tokenizer_name=WHOLE, index_option="basic")
            case FieldType.MENTIONS:
                builder.add_text_field(field.name, tokenizer_name=WHOLE, index_option="basic")
            case FieldType.INTEGER | FieldType.DATE:
                builder.add_integer_field(field.name, indexed=True, fast=True)
            case FieldType.NUMBER:
                builder.add_float_field(field.name, indexed=True, fast=True)
            case FieldType.BOOLEAN:
                builder.add_boolean_field(field.name, indexed=True, fast=True)
    builder.add_bytes_field("shown", stored=True)
    return builder.build()


def register(index: tantivy.Index) -> tantivy.Index:
    """Every opened index must be told our analyzer before it is written."""
    index.register_tokenizer(TOKENS, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    return index


def document_of(row: Row) -> tantivy.Document:
    """`row` as a document: what is searched, and the blob."""
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
    blob = {key: value for key, value in row.items() if key not in HIDDEN}
    document.add_bytes("shown", json.dumps(blob, ensure_ascii=False).encode())
    return document
