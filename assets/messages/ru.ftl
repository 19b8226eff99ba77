# Что сервер говорит людям. Сообщения и аргументы те же, что в en.ftl.

## Числа, размеры и длительности

decimal-mark = ,
size-bytes = { $number ->
    [one] { $number } байт
    [few] { $number } байта
   *[many] { $number } байт
}
size-kilobytes = { $number } КБ
size-megabytes = { $number } МБ
size-gigabytes = { $number } ГБ
size-terabytes = { $number } ТБ
duration-hours = { $number } ч
duration-minutes = { $number } мин
duration-seconds = { $number } с

## Отклонённые запросы, по кодам

error-invalid-request = Запрос не удалось разобрать
error-invalid-json = Запрос не является корректным JSON
error-missing-file = В запросе нет записи разговора
error-invalid-metadata = Метаданные заданы неверно
error-invalid-options = Параметры обработки заданы неверно
error-invalid-query = Параметры запроса заданы неверно
error-unauthorized = Нужен действующий ключ доступа
error-forbidden = У вас нет права на это действие
error-job-not-found = Задача не найдена
error-file-not-found = Файл не найден
error-not-found = По этому адресу ничего нет
error-method-not-allowed = Этот метод недоступен по данному адресу
error-request-timeout = Запрос передавался слишком долго
error-result-not-ready = Результат ещё не готов
error-job-failed = Задача завершилась с ошибкой, результата нет
error-job-cancelled = Задача отменена, результата нет
error-job-finished = Задача уже завершена
error-idempotency-key-reused = Этот ключ уже использован для другого запроса
error-result-archived = Срок хранения результата истёк, он удалён
error-file-too-large = Размер файла превышает максимально допустимый ({ $max_allowed })
error-request-too-large = Размер запроса превышает максимально допустимый ({ $max_allowed })
error-unsupported-format = Формат записи не поддерживается
error-unsupported-media-type = Неверный тип содержимого запроса
error-range-not-satisfiable = В записи нет такого фрагмента: её размер — { $size }
error-invalid-audio = Файл не является пригодной аудиозаписью
error-audio-too-long = Длительность записи превышает максимально допустимую ({ $max_allowed })
error-audio-empty = Запись пуста
error-host-not-allowed = Этот сервер не отвечает под таким именем
error-rate-limited = Слишком много запросов, повторите через { $retry_after }
error-internal-error = Внутренняя ошибка сервера
error-too-many-connections = У сервера не осталось свободных соединений, повторите чуть позже
error-queue-full = { $number ->
    [one] Очередь заполнена: ожидает { $number } запись. Повторите попытку позже
    [few] Очередь заполнена: ожидают { $number } записи. Повторите попытку позже
   *[many] Очередь заполнена: ожидают { $number } записей. Повторите попытку позже
}
error-storage-full = Недостаточно места для записи, повторите попытку позже
error-shutting-down = Сервер останавливается, повторите попытку чуть позже
error-model-unavailable = { $stage ->
    [diarization] Разделение говорящих здесь недоступно
    [transcription] Расшифровка здесь недоступна
    [recognition] Распознавание голосов здесь недоступно
    [carddav_lookup] Поиск контактов здесь недоступен
   *[other] Этот этап здесь недоступен
}

## Завершившиеся с ошибкой задачи, по кодам

failure-processing-failed = { $stage ->
    [validation] Ошибка при проверке аудиофайла
    [preprocessing] Ошибка при подготовке аудиофайла
    [diarization] Ошибка при диаризации аудиофайла
    [transcription] Ошибка при расшифровке аудиофайла
    [recognition] Ошибка при распознавании голосов
    [carddav_lookup] Ошибка при поиске контактов
    [annotation] Ошибка при составлении результата
   *[none] Ошибка при обработке аудиофайла
}
failure-invalid-audio = Аудиофайл не удалось декодировать
failure-unsupported-format = Формат файла не поддерживается
failure-audio-too-long = Запись длиннее, чем разрешено
failure-audio-empty = Запись пуста
failure-file-too-large = Файл больше, чем разрешено
failure-invalid-metadata = Метаданные в файле рядом с записью заданы неверно
failure-invalid-options = Параметры в файле рядом с записью заданы неверно
failure-model-unavailable = { $stage ->
    [diarization] Модель для разделения говорящих недоступна
    [transcription] Модель для расшифровки этой записи недоступна
    [recognition] Модель для распознавания голосов недоступна
    [carddav_lookup] Адресная книга недоступна
   *[none] Модель, необходимая для задачи, недоступна
}
failure-timeout = Обработка записи заняла больше времени, чем разрешено
failure-crashed-repeatedly = При обработке этой записи сервер несколько раз аварийно остановился
failure-internal-error = Внутренняя ошибка сервера при обработке записи

## Ошибки в отдельных полях запроса

# Сообщение об ошибке, при которой перечислены не все неверные поля.
checks-and-more = { $number ->
    [one] { $message } (и ещё { $number } ошибка сверх перечисленных)
    [few] { $message } (и ещё { $number } ошибки сверх перечисленных)
   *[other] { $message } (и ещё { $number } ошибок сверх перечисленных)
}

check-not-an-object = ожидается объект JSON
check-not-json = некорректный JSON
check-too-deep = { $number ->
    [one] вложенность глубже { $number } уровня
   *[other] вложенность глубже { $number } уровней
}
check-too-many-bytes = размер — { $found }, допускается не более { $max }
check-too-many-characters = { $number ->
    [one] символов: { $found }, допускается не более { $number } символа
   *[other] символов: { $found }, допускается не более { $number } символов
}
check-too-many-items = { $number ->
    [one] элементов: { $found }, допускается не более { $number } элемента
   *[other] элементов: { $found }, допускается не более { $number } элементов
}
check-not-a-text = ожидается строка, получено { $found }
check-not-a-boolean = ожидается true или false, получено { $found }
check-not-an-array-of-texts = ожидается массив строк, получено { $found }
check-out-of-range = ожидается целое число от { $min } до { $max }, получено { $found }
check-not-a-language = ожидается auto или код языка по ISO 639-1, получено { $found }
check-not-one-of = ожидается одно из значений: { $allowed }; получено { $found }
check-not-a-time = ожидается время вида 2026-11-20T12:00:00Z, получено { $found }
check-not-a-cursor = ожидается курсор, выданный сервером
check-unknown = неизвестное поле
check-repeated = значение задано более одного раза
check-speaker-count = ожидается {"{"}"count": n{"}"} или {"{"}"min": n, "max": n{"}"}
check-count-and-limits = count не задаётся вместе с min и max
check-min-over-max = min { $min } больше max { $max }
