//! All error codes of requests, with status and message.

/// The expected answer for an error code.
pub struct Expected {
    pub code: &'static str,
    pub status: u16,
    pub english: &'static str,
    pub russian: &'static str,
    /// Whether waiting alone can help; then the answer has `Retry-After`, too.
    pub retryable: bool,
}

/// The errors as the tests provoke them.
pub const EXPECTED: [Expected; 32] = [
    refusal("INVALID_REQUEST", 400, "The request cannot be understood", "Запрос не удалось разобрать"),
    refusal("MISSING_FILE", 400, "The request holds no recording", "В запросе нет записи разговора"),
    refusal("INVALID_METADATA", 400, "The metadata is not valid", "Метаданные заданы неверно"),
    refusal("INVALID_OPTIONS", 400, "The options are not valid", "Параметры обработки заданы неверно"),
    refusal("JOB_NOT_FOUND", 404, "There is no such job", "Задача не найдена"),
    refusal("NOT_FOUND", 404, "There is nothing at this address", "По этому адресу ничего нет"),
    refusal("HOST_NOT_ALLOWED", 421, "This server does not answer under this name", "Этот сервер не отвечает под таким именем"),
    refusal("METHOD_NOT_ALLOWED", 405, "This method cannot be used at this address", "Этот метод недоступен по данному адресу"),
    delay("REQUEST_TIMEOUT", 408, "The request took too long to arrive", "Запрос передавался слишком долго"),
    delay("RESULT_NOT_READY", 409, "The result is not ready yet", "Результат ещё не готов"),
    refusal("JOB_FAILED", 409, "The job failed, so there is no result", "Задача завершилась с ошибкой, результата нет"),
    refusal(
        "FILE_TOO_LARGE",
        413,
        "The recording is larger than allowed (97.7 KB)",
        "Размер файла превышает максимально допустимый (97,7 КБ)",
    ),
    refusal("UNSUPPORTED_FORMAT", 415, "The recording's format is not supported", "Формат записи не поддерживается"),
    refusal("UNSUPPORTED_MEDIA_TYPE", 415, "The request has the wrong content type", "Неверный тип содержимого запроса"),
    refusal("INVALID_AUDIO", 422, "The file is not a usable recording", "Файл не является пригодной аудиозаписью"),
    refusal(
        "AUDIO_TOO_LONG",
        422,
        "The recording is longer than allowed (2 seconds)",
        "Длительность записи превышает максимально допустимую (2 с)",
    ),
    refusal("AUDIO_EMPTY", 422, "The recording is empty", "Запись пуста"),
    refusal("INTERNAL_ERROR", 500, "The server failed", "Внутренняя ошибка сервера"),
    delay(
        "TOO_MANY_CONNECTIONS",
        503,
        "The server has no more connections, try again in a moment",
        "У сервера не осталось свободных соединений, повторите чуть позже",
    ),
    delay(
        "QUEUE_FULL",
        503,
        "The queue is full: 1 recording waits already. Try again later",
        "Очередь заполнена: ожидает 1 запись. Повторите попытку позже",
    ),
    delay(
        "STORAGE_FULL",
        503,
        "There is no room for the recording, try again later",
        "Недостаточно места для записи, повторите попытку позже",
    ),
    refusal("FILE_NOT_FOUND", 404, "There is no such file", "Файл не найден"),
    refusal("INVALID_JSON", 400, "The request is not valid JSON", "Запрос не является корректным JSON"),
    refusal("INVALID_QUERY", 400, "The parameters of the request are not valid", "Параметры запроса заданы неверно"),
    refusal("JOB_CANCELLED", 409, "The job was cancelled, so there is no result", "Задача отменена, результата нет"),
    refusal("JOB_FINISHED", 409, "The job is over already", "Задача уже завершена"),
    refusal(
        "IDEMPOTENCY_KEY_REUSED",
        409,
        "This key was used for another request before",
        "Этот ключ уже использован для другого запроса",
    ),
    refusal(
        "RESULT_ARCHIVED",
        410,
        "The result was removed after its time had passed",
        "Срок хранения результата истёк, он удалён",
    ),
    refusal(
        "REQUEST_TOO_LARGE",
        413,
        "The request is larger than allowed (64 KB)",
        "Размер запроса превышает максимально допустимый (64 КБ)",
    ),
    refusal(
        "RANGE_NOT_SATISFIABLE",
        416,
        "The recording has no such part: it is 7.9 KB long",
        "В записи нет такого фрагмента: её размер — 7,9 КБ",
    ),
    delay(
        "SHUTTING_DOWN",
        503,
        "The server is stopping, try again in a moment",
        "Сервер останавливается, повторите попытку чуть позже",
    ),
    delay("MODEL_UNAVAILABLE", 503, "Recognizing voices is not available here", "Распознавание голосов здесь недоступно"),
];

/// Codes that no request, or no test, can provoke yet. Move a code up once one can.
pub const NOT_YET: [&str; 3] = ["FORBIDDEN", "RATE_LIMITED", "UNAUTHORIZED"];

const fn refusal(code: &'static str, status: u16, english: &'static str, russian: &'static str) -> Expected {
    Expected { code, status, english, russian, retryable: false }
}

const fn delay(code: &'static str, status: u16, english: &'static str, russian: &'static str) -> Expected {
    Expected { code, status, english, russian, retryable: true }
}
