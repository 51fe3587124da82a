#include "gateway/docs_schemas.h"

#include <string>

namespace chroma::gateway {
namespace {

constexpr std::string_view kSystem = R"json({
"Empty":{"type":"object","description":"{}"},
"ErrorResponse":{"type":"object","required":["error","message"],"properties":{
  "error":{"type":"string","description":"Kind of the error, e.g. NotFoundError"},
  "message":{"type":"string"}}},
"HeartbeatResponse":{"type":"object","required":["nanosecond heartbeat"],"properties":{
  "nanosecond heartbeat":{"type":"integer","description":"Nanoseconds since 1970-01-01 UTC"}}},
"HealthcheckResponse":{"type":"object",
  "required":["is_executor_ready","is_log_client_ready"],"properties":{
  "is_executor_ready":{"type":"boolean"},"is_log_client_ready":{"type":"boolean"}}},
"ChecklistResponse":{"type":"object",
  "required":["max_batch_size","supports_base64_encoding"],"properties":{
  "max_batch_size":{"type":"integer","description":"Records that clients send in one request"},
  "supports_base64_encoding":{"type":"boolean"}}},
"GetUserIdentityResponse":{"type":"object","required":["user_id","tenant","databases"],
  "properties":{"user_id":{"type":"string"},"tenant":{"type":"string"},
  "databases":{"type":"array","items":{"type":"string"}}}},
"CreateTenantPayload":{"type":"object","required":["name"],"properties":{
  "name":{"type":"string","minLength":3}},"examples":[{"name":"my_tenant"}]},
"UpdateTenantPayload":{"type":"object","required":["resource_name"],"properties":{
  "resource_name":{"type":"string"}},"examples":[{"resource_name":"my_resource"}]},
"GetTenantResponse":{"type":"object","required":["name"],"properties":{
  "name":{"type":"string"},"resource_name":{"type":["string","null"]}}},
"CreateDatabasePayload":{"type":"object","required":["name"],"properties":{
  "name":{"$ref":"#/components/schemas/Name"}},"examples":[{"name":"my_database"}]},
"Database":{"type":"object","required":["id","name","tenant"],"properties":{
  "id":{"type":"string","format":"uuid"},"name":{"type":"string"},"tenant":{"type":"string"}}},
"Name":{"type":"string","minLength":3,"maxLength":512,
  "pattern":"^[a-zA-Z0-9][a-zA-Z0-9._-]*[a-zA-Z0-9]$",
  "description":"Not an IP address, and without two periods in a row"},
"ReadLevel":{"type":"string","enum":["index_and_wal","index_only","index_and_bounded_wal"]},)json";

constexpr std::string_view kValues = R"json(
"MetadataValue":{"description":"A list has values of one type",
  "anyOf":[{"type":"boolean"},{"type":"integer"},{"type":"number"},{"type":"string"},
  {"type":"array","items":{"type":["boolean","number","string"]}},
  {"$ref":"#/components/schemas/SparseVector"}]},
"Metadata":{"type":"object","description":"Keys do not start with # or $",
  "additionalProperties":{"$ref":"#/components/schemas/MetadataValue"}},
"UpdateMetadata":{"type":"object","description":"Merged key by key; null deletes the key",
  "additionalProperties":{"anyOf":[{"$ref":"#/components/schemas/MetadataValue"},
  {"type":"null"}]}},
"SparseVector":{"type":"object","required":["indices","values"],"properties":{
  "#type":{"const":"sparse_vector"},
  "indices":{"type":"array","items":{"type":"integer","minimum":0},
    "description":"Strictly ascending"},
  "values":{"type":"array","items":{"type":"number"}},
  "tokens":{"type":["array","null"],"items":{"type":"string"}}}},
"Where":{"type":["object","null"],"description":"{key: value}, {key: {operator: operand}}, {$and: [...]} or {$or: [...]}; operators $eq $ne $gt $gte $lt $lte $in $nin $contains $not_contains, and $regex $not_regex on #document",
  "examples":[{"$and":[{"topic":"science"},{"year":{"$gte":2020}}]}]},
"WhereDocument":{"type":["object","null"],"description":"{operator: text}, {$and: [...]} or {$or: [...]}; operators $contains $not_contains $regex $not_regex",
  "examples":[{"$contains":"vector"}]},
"Include":{"type":"string",
  "enum":["distances","documents","embeddings","metadatas","uris"]},
"Vector":{"type":"array","items":{"type":"number","format":"float"}},
"EmbeddingsPayload":{"description":"Numbers, or base64 of little-endian 32-bit floats",
  "anyOf":[{"type":"array","items":{"$ref":"#/components/schemas/Vector"}},
  {"type":"array","items":{"type":"string","contentEncoding":"base64"}}]},
"UpdateEmbeddingsPayload":{"description":"As EmbeddingsPayload; null leaves a vector as it is",
  "anyOf":[{"type":"array","items":{"anyOf":[{"$ref":"#/components/schemas/Vector"},
  {"type":"null"}]}},{"type":"array","items":{"type":["string","null"],
  "contentEncoding":"base64"}}]},
"Texts":{"type":["array","null"],"items":{"type":["string","null"]}},
"Ids":{"type":"array","items":{"type":"string","minLength":1}},)json";

constexpr std::string_view kConfiguration = R"json(
"Space":{"type":"string","enum":["l2","cosine","ip"]},
"HnswConfiguration":{"type":"object","additionalProperties":false,"properties":{
  "space":{"$ref":"#/components/schemas/Space"},
  "ef_construction":{"type":["integer","null"],"default":100},
  "ef_search":{"type":["integer","null"],"default":100},
  "max_neighbors":{"type":["integer","null"],"default":16},
  "num_threads":{"type":["integer","null"]},
  "batch_size":{"type":["integer","null"],"default":100},
  "sync_threshold":{"type":["integer","null"],"default":1000},
  "resize_factor":{"type":["number","null"],"default":1.2}}},
"SpannConfiguration":{"type":"object","additionalProperties":false,"properties":{
  "space":{"$ref":"#/components/schemas/Space"},
  "search_nprobe":{"type":["integer","null"]},"write_nprobe":{"type":["integer","null"]},
  "ef_construction":{"type":["integer","null"]},"ef_search":{"type":["integer","null"]},
  "max_neighbors":{"type":["integer","null"]},
  "reassign_neighbor_count":{"type":["integer","null"]},
  "split_threshold":{"type":["integer","null"]},
  "merge_threshold":{"type":["integer","null"]}}},
"EmbeddingFunctionConfiguration":{"oneOf":[
  {"type":"object","required":["type"],"properties":{"type":{"enum":["legacy","unknown"]}}},
  {"type":"object","required":["type","name","config"],"properties":{
    "type":{"const":"known"},"name":{"type":"string"},"config":{}}}]},
"CollectionConfiguration":{"type":"object","description":"Either hnsw or spann","properties":{
  "hnsw":{"anyOf":[{"$ref":"#/components/schemas/HnswConfiguration"},{"type":"null"}]},
  "spann":{"anyOf":[{"$ref":"#/components/schemas/SpannConfiguration"},{"type":"null"}]},
  "embedding_function":{"anyOf":[
    {"$ref":"#/components/schemas/EmbeddingFunctionConfiguration"},{"type":"null"}]}}},
"UpdateHnswConfiguration":{"type":"object","additionalProperties":false,"properties":{
  "ef_search":{"type":["integer","null"]},"max_neighbors":{"type":["integer","null"]},
  "num_threads":{"type":["integer","null"]},"resize_factor":{"type":["number","null"]},
  "sync_threshold":{"type":["integer","null"]},"batch_size":{"type":["integer","null"]}}},
"UpdateSpannConfiguration":{"type":"object","additionalProperties":false,"properties":{
  "search_nprobe":{"type":["integer","null"]},"ef_search":{"type":["integer","null"]}}},
"UpdateCollectionConfiguration":{"type":"object","properties":{
  "hnsw":{"anyOf":[{"$ref":"#/components/schemas/UpdateHnswConfiguration"},{"type":"null"}]},
  "spann":{"anyOf":[{"$ref":"#/components/schemas/UpdateSpannConfiguration"},{"type":"null"}]},
  "embedding_function":{"anyOf":[
    {"$ref":"#/components/schemas/EmbeddingFunctionConfiguration"},{"type":"null"}]}}},
"Index":{"type":"object","required":["enabled","config"],"properties":{
  "enabled":{"type":"boolean"},"config":{"type":"object","maxProperties":0}}},
"VectorIndex":{"type":"object","required":["enabled","config"],"properties":{
  "enabled":{"type":"boolean"},"config":{"type":"object","properties":{
    "space":{"$ref":"#/components/schemas/Space"},
    "embedding_function":{"$ref":"#/components/schemas/EmbeddingFunctionConfiguration"},
    "source_key":{"type":"string"},
    "hnsw":{"$ref":"#/components/schemas/HnswConfiguration"},
    "spann":{"$ref":"#/components/schemas/SpannConfiguration"}}}}},
"SparseVectorIndex":{"type":"object","required":["enabled","config"],"properties":{
  "enabled":{"type":"boolean"},"config":{"type":"object","properties":{
    "embedding_function":{"$ref":"#/components/schemas/EmbeddingFunctionConfiguration"},
    "source_key":{"type":"string"},"bm25":{"type":"boolean"}}}}},
"ValueTypes":{"type":"object","properties":{
  "string":{"type":"object","properties":{
    "fts_index":{"$ref":"#/components/schemas/Index"},
    "string_inverted_index":{"$ref":"#/components/schemas/Index"}}},
  "float_list":{"type":"object","properties":{
    "vector_index":{"$ref":"#/components/schemas/VectorIndex"}}},
  "sparse_vector":{"type":"object","properties":{
    "sparse_vector_index":{"$ref":"#/components/schemas/SparseVectorIndex"}}},
  "int":{"type":"object","properties":{
    "int_inverted_index":{"$ref":"#/components/schemas/Index"}}},
  "float":{"type":"object","properties":{
    "float_inverted_index":{"$ref":"#/components/schemas/Index"}}},
  "bool":{"type":"object","properties":{
    "bool_inverted_index":{"$ref":"#/components/schemas/Index"}}}}},
"Schema":{"type":"object","required":["defaults","keys"],"properties":{
  "defaults":{"$ref":"#/components/schemas/ValueTypes"},
  "keys":{"type":"object",
    "additionalProperties":{"$ref":"#/components/schemas/ValueTypes"}},
  "cmek":{"type":"object"}}},)json";

constexpr std::string_view kCollections = R"json(
"Collection":{"type":"object","required":["id","name","configuration_json","tenant","database",
    "log_position","version"],"properties":{
  "id":{"type":"string","format":"uuid"},"name":{"type":"string"},
  "configuration_json":{"$ref":"#/components/schemas/CollectionConfiguration"},
  "schema":{"anyOf":[{"$ref":"#/components/schemas/Schema"},{"type":"null"}]},
  "metadata":{"anyOf":[{"$ref":"#/components/schemas/Metadata"},{"type":"null"}]},
  "dimension":{"type":["integer","null"],"description":"Fixed by the first vectors"},
  "tenant":{"type":"string"},"database":{"type":"string"},
  "log_position":{"type":"integer"},"version":{"type":"integer"}}},
"CreateCollectionPayload":{"type":"object","required":["name"],"properties":{
  "name":{"$ref":"#/components/schemas/Name"},
  "get_or_create":{"type":"boolean","default":false,
    "description":"If the name is taken, answer with that collection, unchanged"},
  "metadata":{"anyOf":[{"$ref":"#/components/schemas/Metadata"},{"type":"null"}]},
  "configuration":{"anyOf":[{"$ref":"#/components/schemas/CollectionConfiguration"},
    {"type":"null"}]},
  "schema":{"anyOf":[{"$ref":"#/components/schemas/Schema"},{"type":"null"}]}},
  "examples":[{"name":"my_collection","get_or_create":true,
    "configuration":{"hnsw":{"space":"cosine"}}}]},
"UpdateCollectionPayload":{"type":"object","properties":{
  "new_name":{"anyOf":[{"$ref":"#/components/schemas/Name"},{"type":"null"}]},
  "new_metadata":{"description":"Replaces the whole metadata",
    "anyOf":[{"$ref":"#/components/schemas/UpdateMetadata"},{"type":"null"}]},
  "new_configuration":{"anyOf":[
    {"$ref":"#/components/schemas/UpdateCollectionConfiguration"},{"type":"null"}]},
  "new_schema":{"description":"Laid over the schema, index by index; the space stays",
    "anyOf":[{"$ref":"#/components/schemas/Schema"},{"type":"null"}]}},
  "examples":[{"new_metadata":{"topic":"science"}}]},
"ForkCollectionPayload":{"type":"object","required":["new_name"],"properties":{
  "new_name":{"$ref":"#/components/schemas/Name"}},"examples":[{"new_name":"my_fork"}]},
"ForkCountResponse":{"type":"object","required":["count"],"properties":{
  "count":{"type":"integer"}}},
"IndexStatusResponse":{"type":"object","required":["op_indexing_progress",
    "num_unindexed_ops","num_indexed_ops","total_ops"],"properties":{
  "op_indexing_progress":{"type":"number","minimum":0,"maximum":1},
  "num_unindexed_ops":{"type":"integer"},"num_indexed_ops":{"type":"integer"},
  "total_ops":{"type":"integer"}}},
"DescribeResponse":{"type":"object","required":["records","version","segments"],"properties":{
  "records":{"type":"integer"},"indexed_operations":{"type":"integer"},
  "unindexed_operations":{"type":"integer"},"version":{"type":"integer"},
  "manifest":{"type":"string"},"log_offset":{"type":"integer"},"log_end":{"type":"integer"},
  "log_operations":{"type":"integer"},
  "segments":{"type":"array","items":{"type":"object","properties":{
    "blob":{"type":"string"},"size_bytes":{"type":"integer"},"rows":{"type":"integer"},
    "deleted":{"type":"integer"},"unindexed_rows":{"type":"integer"},
    "indexes":{"type":"array","items":{"type":"object","properties":{
      "blob":{"type":"string"},"size_bytes":{"type":"integer"},"rows":{"type":"integer"}}}}}}}}},
"RecallRequestPayload":{"type":"object","properties":{
  "n_queries":{"type":"integer","minimum":1,"maximum":10000,"default":100},
  "n_results":{"type":"integer","minimum":1,"maximum":1000,"default":10}},
  "examples":[{"n_queries":100,"n_results":10}]},
"RecallResponse":{"type":"object","required":["recall","n_queries","n_records",
    "query_milliseconds","exact_query_milliseconds"],"properties":{
  "recall":{"type":"number","minimum":0,"maximum":1},"n_queries":{"type":"integer"},
  "n_records":{"type":"integer"},"query_milliseconds":{"type":"number"},
  "exact_query_milliseconds":{"type":"number"}}},
"AttachFunctionRequest":{"type":"object",
  "required":["name","function_id","output_collection"],"properties":{
  "name":{"type":"string"},"function_id":{"type":"string"},
  "output_collection":{"type":"string"},"params":{}},
  "examples":[{"name":"f","function_id":"record_counter","output_collection":"counts"}]},
"AttachFunctionResponse":{"type":"object","required":["attached_function","created"],
  "properties":{"attached_function":{"type":"object","required":["id","name","function_name"],
    "properties":{"id":{"type":"string"},"name":{"type":"string"},
    "function_name":{"type":"string"}}},"created":{"type":"boolean"}}},
"GetAttachedFunctionResponse":{"type":"object","required":["attached_function"],
  "properties":{"attached_function":{"type":"object"}}},
"DetachFunctionRequest":{"type":"object","properties":{
  "delete_output":{"type":"boolean","default":false}},"examples":[{"delete_output":false}]},
"DetachFunctionResponse":{"type":"object","required":["success"],"properties":{
  "success":{"type":"boolean"}}},)json";

constexpr std::string_view kRecords = R"json(
"AddCollectionRecordsPayload":{"type":"object","required":["ids","embeddings"],"properties":{
  "ids":{"$ref":"#/components/schemas/Ids"},
  "embeddings":{"$ref":"#/components/schemas/EmbeddingsPayload"},
  "documents":{"$ref":"#/components/schemas/Texts"},
  "uris":{"$ref":"#/components/schemas/Texts"},
  "metadatas":{"type":["array","null"],
    "items":{"anyOf":[{"$ref":"#/components/schemas/Metadata"},{"type":"null"}]}}},
  "examples":[{"ids":["a","b"],"embeddings":[[1,2,3],[4,5,6]],
    "documents":["first","second"],"metadatas":[{"topic":"science"},null]}]},
"UpsertCollectionRecordsPayload":{"type":"object","required":["ids","embeddings"],
  "properties":{
  "ids":{"$ref":"#/components/schemas/Ids"},
  "embeddings":{"$ref":"#/components/schemas/EmbeddingsPayload"},
  "documents":{"$ref":"#/components/schemas/Texts"},
  "uris":{"$ref":"#/components/schemas/Texts"},
  "metadatas":{"type":["array","null"],
    "items":{"anyOf":[{"$ref":"#/components/schemas/UpdateMetadata"},{"type":"null"}]}}},
  "examples":[{"ids":["a"],"embeddings":[[1,2,3]],"documents":["first"]}]},
"UpdateCollectionRecordsPayload":{"type":"object","required":["ids"],"properties":{
  "ids":{"$ref":"#/components/schemas/Ids"},
  "embeddings":{"anyOf":[{"$ref":"#/components/schemas/UpdateEmbeddingsPayload"},
    {"type":"null"}]},
  "documents":{"$ref":"#/components/schemas/Texts"},
  "uris":{"$ref":"#/components/schemas/Texts"},
  "metadatas":{"type":["array","null"],
    "items":{"anyOf":[{"$ref":"#/components/schemas/UpdateMetadata"},{"type":"null"}]}}},
  "examples":[{"ids":["a"],"metadatas":[{"topic":"art"}]}]},
"DeleteCollectionRecordsPayload":{"type":"object","properties":{
  "ids":{"type":["array","null"],"items":{"type":"string"}},
  "where":{"$ref":"#/components/schemas/Where"},
  "where_document":{"$ref":"#/components/schemas/WhereDocument"},
  "limit":{"type":["integer","null"],"minimum":0,"description":"Only with a filter"}},
  "examples":[{"ids":["a"]}]},
"DeleteCollectionRecordsResponse":{"type":"object","required":["deleted"],"properties":{
  "deleted":{"type":"integer"}}},
"GetRequestPayload":{"type":"object","properties":{
  "ids":{"type":["array","null"],"items":{"type":"string"}},
  "where":{"$ref":"#/components/schemas/Where"},
  "where_document":{"$ref":"#/components/schemas/WhereDocument"},
  "limit":{"type":["integer","null"],"minimum":0},
  "offset":{"type":["integer","null"],"minimum":0},
  "include":{"type":"array","items":{"$ref":"#/components/schemas/Include"},
    "default":["documents","metadatas"]}},
  "examples":[{"limit":10,"include":["documents","metadatas"]}]},
"GetResponse":{"type":"object","description":"Columns not asked for are null",
  "required":["ids","include"],"properties":{
  "ids":{"$ref":"#/components/schemas/Ids"},
  "embeddings":{"type":["array","null"],"items":{"$ref":"#/components/schemas/Vector"}},
  "documents":{"$ref":"#/components/schemas/Texts"},
  "uris":{"$ref":"#/components/schemas/Texts"},
  "metadatas":{"type":["array","null"],
    "items":{"anyOf":[{"$ref":"#/components/schemas/Metadata"},{"type":"null"}]}},
  "include":{"type":"array","items":{"$ref":"#/components/schemas/Include"}}}},
"QueryRequestPayload":{"type":"object","required":["query_embeddings"],"properties":{
  "query_embeddings":{"type":"array","items":{"$ref":"#/components/schemas/Vector"}},
  "n_results":{"type":["integer","null"],"minimum":0,"default":10},
  "ids":{"type":["array","null"],"items":{"type":"string"}},
  "where":{"$ref":"#/components/schemas/Where"},
  "where_document":{"$ref":"#/components/schemas/WhereDocument"},
  "include":{"type":"array","items":{"$ref":"#/components/schemas/Include"},
    "default":["documents","metadatas","distances"]}},
  "examples":[{"query_embeddings":[[1,2,3]],"n_results":2}]},
"QueryResponse":{"type":"object","description":"One inner list for each query vector",
  "required":["ids","include"],"properties":{
  "ids":{"type":"array","items":{"$ref":"#/components/schemas/Ids"}},
  "embeddings":{"type":["array","null"],"items":{"type":"array",
    "items":{"$ref":"#/components/schemas/Vector"}}},
  "documents":{"type":["array","null"],"items":{"$ref":"#/components/schemas/Texts"}},
  "uris":{"type":["array","null"],"items":{"$ref":"#/components/schemas/Texts"}},
  "metadatas":{"type":["array","null"],"items":{"type":"array",
    "items":{"anyOf":[{"$ref":"#/components/schemas/Metadata"},{"type":"null"}]}}},
  "distances":{"type":["array","null"],"items":{"type":"array",
    "items":{"type":["number","null"]}}},
  "include":{"type":"array","items":{"$ref":"#/components/schemas/Include"}}}},
"Knn":{"type":"object","required":["query"],"properties":{
  "query":{"anyOf":[{"type":"array","items":{"type":"number","format":"float"}},
    {"$ref":"#/components/schemas/SparseVector"}]},
  "key":{"type":"string","default":"#embedding","description":"where the sparse vectors are"},
  "limit":{"type":"integer","format":"uint32","default":16},
  "default":{"type":["number","null"],"format":"float",
    "description":"the score of records that are not among the nearest"},
  "return_rank":{"type":"boolean","default":false,
    "description":"the place, from 0, instead of the distance"}}},
"RankList":{"type":"array","items":{"$ref":"#/components/schemas/Rank"}},
"RankPair":{"type":"object","required":["left","right"],"properties":{
  "left":{"$ref":"#/components/schemas/Rank"},"right":{"$ref":"#/components/schemas/Rank"}}},
"Rank":{"type":"object","minProperties":1,"maxProperties":1,"additionalProperties":false,
  "description":"A score of records; the lowest is best",
  "properties":{"$knn":{"$ref":"#/components/schemas/Knn"},
  "$val":{"type":"number","format":"float"},
  "$sum":{"$ref":"#/components/schemas/RankList"},"$mul":{"$ref":"#/components/schemas/RankList"},
  "$max":{"$ref":"#/components/schemas/RankList"},"$min":{"$ref":"#/components/schemas/RankList"},
  "$sub":{"$ref":"#/components/schemas/RankPair"},"$div":{"$ref":"#/components/schemas/RankPair"},
  "$abs":{"$ref":"#/components/schemas/Rank"},"$exp":{"$ref":"#/components/schemas/Rank"},
  "$log":{"$ref":"#/components/schemas/Rank"}}},
"Aggregate":{"type":"object","required":["keys","k"],"properties":{
  "keys":{"type":"array","items":{"type":"string"},"minItems":1,
    "description":"metadata fields and #score"},
  "k":{"type":"integer","format":"uint32","minimum":1}}},
"GroupBy":{"type":"object","properties":{
  "keys":{"type":"array","items":{"type":"string"}},
  "aggregate":{"type":["object","null"],"minProperties":1,"maxProperties":1,"properties":{
    "$min_k":{"$ref":"#/components/schemas/Aggregate"},
    "$max_k":{"$ref":"#/components/schemas/Aggregate"}}}}},
"SearchPayload":{"type":"object","properties":{
  "filter":{"anyOf":[{"$ref":"#/components/schemas/Where"},{"type":"null"}]},
  "rank":{"anyOf":[{"$ref":"#/components/schemas/Rank"},{"type":"null"}]},
  "group_by":{"$ref":"#/components/schemas/GroupBy"},
  "limit":{"type":"object","properties":{
    "offset":{"type":"integer","format":"uint32","default":0},
    "limit":{"type":["integer","null"],"format":"uint32"}}},
  "select":{"type":"object","properties":{
    "keys":{"type":"array","items":{"type":"string"},
      "description":"#document, #embedding, #metadata, #score and metadata fields"}}}}},
"SearchRequestPayload":{"type":"object","required":["searches"],"properties":{
  "searches":{"type":"array","items":{"$ref":"#/components/schemas/SearchPayload"},
    "maxItems":1000},
  "read_level":{"$ref":"#/components/schemas/ReadLevel"}},
  "examples":[{"searches":[{"rank":{"$knn":{"query":[1,2,3],"limit":2}},
    "limit":{"offset":0,"limit":2},"select":{"keys":["#document","#score"]}}]}]},
"SearchResponse":{"type":"object",
  "required":["ids","documents","embeddings","metadatas","scores","select"],
  "description":"One element per search; null where it does not select the column","properties":{
  "ids":{"type":"array","items":{"$ref":"#/components/schemas/Ids"}},
  "documents":{"type":"array","items":{"anyOf":[{"$ref":"#/components/schemas/Texts"},
    {"type":"null"}]}},
  "embeddings":{"type":"array","items":{"type":["array","null"],"items":{"type":"array",
    "items":{"type":"number","format":"float"}}}},
  "metadatas":{"type":"array","items":{"type":["array","null"],"items":{
    "anyOf":[{"$ref":"#/components/schemas/Metadata"},{"type":"null"}]}}},
  "scores":{"type":"array","items":{"type":["array","null"],"items":{"type":["number","null"]}}},
  "select":{"type":"array","items":{"type":"array","items":{"type":"string"}}}}},)json";

constexpr std::string_view kExtensions = R"json(
"TextRange":{"type":"object","description":"In characters (code points) and in bytes",
  "properties":{"begin":{"type":"integer"},"end":{"type":"integer"},
  "begin_byte":{"type":"integer"},"end_byte":{"type":"integer"},
  "text":{"type":"string","description":"Of a snippet"}}},
"Highlights":{"type":["object","null"],"properties":{
  "matches":{"type":"array","items":{"$ref":"#/components/schemas/TextRange"}},
  "snippets":{"type":"array","items":{"$ref":"#/components/schemas/TextRange"}},
  "cut":{"type":"boolean","description":"Finding all would have taken too long: there may be more"}}},
"ListRequestPayload":{"type":"object","properties":{
  "ids":{"type":["array","null"],"items":{"type":"string"}},
  "where":{"$ref":"#/components/schemas/Where"},
  "where_document":{"$ref":"#/components/schemas/WhereDocument"},
  "order_by":{"type":"array","maxItems":100,"items":{"anyOf":[{"type":"string"},
    {"type":"object","required":["key"],"properties":{
    "key":{"type":"string"},"descending":{"type":"boolean","default":false}}}]}},
  "limit":{"type":["integer","null"],"minimum":0},
  "offset":{"type":["integer","null"],"minimum":0},
  "include":{"type":"array","items":{"$ref":"#/components/schemas/Include"},
    "default":["documents","metadatas"]},
  "highlight":{"type":["object","null"],"properties":{
    "matches":{"type":"integer","minimum":0,"maximum":10000,"default":100},
    "snippets":{"type":"integer","minimum":0,"maximum":100,"default":1},
    "snippet_characters":{"type":"integer","minimum":0,"maximum":10000,"default":160}}}},
  "examples":[{"order_by":[{"key":"topic","descending":true}],"limit":10,"highlight":{}}]},
"ListResponse":{"allOf":[{"$ref":"#/components/schemas/GetResponse"},{"type":"object",
  "properties":{"highlights":{"type":["array","null"],
    "items":{"$ref":"#/components/schemas/Highlights"}}}}]},
"ExplainRequestPayload":{"type":"object",
  "description":"Exactly one of list, query and search","properties":{
  "list":{"$ref":"#/components/schemas/ListRequestPayload"},
  "query":{"$ref":"#/components/schemas/QueryRequestPayload"},
  "search":{"$ref":"#/components/schemas/SearchPayload"},
  "records":{"type":"array","maxItems":100,"items":{"type":"string"},
    "description":"Ids of records to tell of why they are among the results or not"}},
  "examples":[{"list":{"where":{"topic":"science"},"limit":10},"records":["a"]}]},
"ExplainStep":{"type":"object","required":["step","records_in","records_out","milliseconds"],
  "properties":{"step":{"type":"string"},"by":{"type":"string"},
  "records_in":{"type":"integer"},"estimated_records_out":{"type":"number"},
  "records_out":{"type":"integer"},"milliseconds":{"type":"number"},
  "steps":{"type":"array","items":{"$ref":"#/components/schemas/ExplainStep"}}}},
"ExplainClause":{"type":"object","required":["clause","matches"],"properties":{
  "clause":{"type":"string"},"matches":{"type":"boolean"},
  "value":{"description":"What the record has under the key"},
  "clauses":{"type":"array","items":{"$ref":"#/components/schemas/ExplainClause"}}}},
"ExplainResponse":{"type":"object","required":["collection","returned","milliseconds","steps",
    "records"],"properties":{
  "collection":{"type":"object","properties":{"records":{"type":"integer"},
    "segments":{"type":"integer"},"log_operations":{"type":"integer"}}},
  "returned":{"type":"integer"},"milliseconds":{"type":"number"},
  "steps":{"type":"array","items":{"$ref":"#/components/schemas/ExplainStep"}},
  "records":{"type":"array","items":{"type":"object",
    "required":["id","exists","matches","returned","reason"],"properties":{
    "id":{"type":"string"},"exists":{"type":"boolean"},"matches":{"type":"boolean"},
    "returned":{"type":"boolean"},"reason":{"type":"string"},
    "place":{"type":"integer","description":"From 0, of all that match"},
    "score":{"type":["number","null"],"description":"Of a query the distance"},
    "filter":{"$ref":"#/components/schemas/ExplainClause"},
    "knns":{"type":"array","items":{"type":"object","properties":{
      "knn":{"type":"string"},"place":{"type":"integer"},"distance":{"type":["number","null"]},
      "within_limit":{"type":"boolean"}}}}}}}}},
"FacetsRequestPayload":{"type":"object","properties":{
  "ids":{"type":["array","null"],"items":{"type":"string"}},
  "where":{"$ref":"#/components/schemas/Where"},
  "where_document":{"$ref":"#/components/schemas/WhereDocument"},
  "facets":{"type":"array","maxItems":100,"items":{"type":"object","required":["key"],
    "properties":{"key":{"type":"string"},
    "limit":{"type":["integer","null"],"format":"uint32","default":100},
    "sort":{"type":"string","enum":["count","value"],"default":"count"}}}}},
  "examples":[{"facets":[{"key":"topic","limit":10}]}]},
"FacetsResponse":{"type":"object","required":["count","facets"],"properties":{
  "count":{"type":"integer","description":"How many records match"},
  "facets":{"type":"array","items":{"type":"object",
    "required":["key","records","distinct","values"],"properties":{
    "key":{"type":"string"},
    "records":{"type":"integer","description":"How many of them have the key"},
    "distinct":{"type":"integer","description":"How many different values they have"},
    "values":{"type":"array","items":{"type":"object","required":["value","count"],
      "properties":{"value":{},"count":{"type":"integer"}}}}}}}}}
})json";

}  // namespace

std::string_view OpenApiSchemas() {
  static const std::string schemas = [] {
    std::string text;
    for (std::string_view part :
         {kSystem, kValues, kConfiguration, kCollections, kRecords, kExtensions}) {
      text += part;
    }
    return text;
  }();
  return schemas;
}

}  // namespace chroma::gateway
