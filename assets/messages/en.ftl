# Messages for people. Every language has exactly these messages, with exactly these arguments.
# Arguments: $number counts or is a number already written out; sizes and durations come written out; all others are texts.

## Numbers, sizes and durations

decimal-mark = .
size-bytes = { $number ->
    [one] { $number } byte
   *[other] { $number } bytes
}
size-kilobytes = { $number } KB
size-megabytes = { $number } MB
size-gigabytes = { $number } GB
size-terabytes = { $number } TB
duration-hours = { $number ->
    [one] { $number } hour
   *[other] { $number } hours
}
duration-minutes = { $number ->
    [one] { $number } minute
   *[other] { $number } minutes
}
duration-seconds = { $number ->
    [one] { $number } second
   *[other] { $number } seconds
}

## Refused requests, by code

error-invalid-request = The request cannot be understood
error-invalid-json = The request is not valid JSON
error-missing-file = The request holds no recording
error-invalid-metadata = The metadata is not valid
error-invalid-options = The options are not valid
error-invalid-query = The parameters of the request are not valid
error-unauthorized = This needs a valid key
error-forbidden = You are not allowed to do this
error-job-not-found = There is no such job
error-file-not-found = There is no such file
error-not-found = There is nothing at this address
error-method-not-allowed = This method cannot be used at this address
error-request-timeout = The request took too long to arrive
error-result-not-ready = The result is not ready yet
error-job-failed = The job failed, so there is no result
error-job-cancelled = The job was cancelled, so there is no result
error-job-finished = The job is over already
error-idempotency-key-reused = This key was used for another request before
error-result-archived = The result was removed after its time had passed
error-file-too-large = The recording is larger than allowed ({ $max_allowed })
error-request-too-large = The request is larger than allowed ({ $max_allowed })
error-unsupported-format = The recording's format is not supported
error-unsupported-media-type = The request has the wrong content type
error-range-not-satisfiable = The recording has no such part: it is { $size } long
error-invalid-audio = The file is not a usable recording
error-audio-too-long = The recording is longer than allowed ({ $max_allowed })
error-audio-empty = The recording is empty
error-host-not-allowed = This server does not answer under this name
error-rate-limited = Too many requests, try again in { $retry_after }
error-internal-error = The server failed
error-too-many-connections = The server has no more connections, try again in a moment
error-queue-full = { $number ->
    [one] The queue is full: { $number } recording waits already. Try again later
   *[other] The queue is full: { $number } recordings wait already. Try again later
}
error-storage-full = There is no room for the recording, try again later
error-shutting-down = The server is stopping, try again in a moment
error-model-unavailable = { $stage ->
    [diarization] Telling the speakers apart is not available here
    [transcription] Transcription is not available here
    [recognition] Recognizing voices is not available here
    [carddav_lookup] Looking up contacts is not available here
   *[other] This stage is not available here
}

## Failed jobs, by code

failure-processing-failed = { $stage ->
    [validation] The recording could not be checked
    [preprocessing] The recording could not be prepared
    [diarization] The speakers could not be told apart
    [transcription] The recording could not be transcribed
    [recognition] The voices could not be compared with the known ones
    [carddav_lookup] The contacts could not be looked up
    [annotation] The result could not be put together
   *[none] The recording could not be processed
}
failure-invalid-audio = The recording cannot be decoded
failure-unsupported-format = The file's format is not supported
failure-audio-too-long = The recording is longer than allowed
failure-audio-empty = The recording is empty
failure-file-too-large = The file is larger than allowed
failure-invalid-metadata = The metadata in the file beside the recording is not valid
failure-invalid-options = The options in the file beside the recording are not valid
failure-model-unavailable = { $stage ->
    [diarization] The model that tells the speakers apart is not available
    [transcription] The transcription model is not available for this recording
    [recognition] The model that recognizes voices is not available
    [carddav_lookup] The address book is not available
   *[none] A model that the job needs is not available
}
failure-timeout = The recording took longer than allowed
failure-crashed-repeatedly = The server stopped again and again while it worked on this recording
failure-internal-error = The server failed on this recording

## Failed checks of a request, shown beside the name of the field

# The message of an error of which not every failed check is listed.
checks-and-more = { $number ->
    [one] { $message } (and { $number } more mistake than is listed)
   *[other] { $message } (and { $number } more mistakes than are listed)
}

check-not-an-object = must be a JSON object
check-not-json = is not valid JSON
check-too-deep = { $number ->
    [one] is nested deeper than { $number } level
   *[other] is nested deeper than { $number } levels
}
check-too-many-bytes = is { $found } long, at most { $max } are allowed
check-too-many-characters = { $number ->
    [one] has { $found } characters, at most { $number } is allowed
   *[other] has { $found } characters, at most { $number } are allowed
}
check-too-many-items = { $number ->
    [one] has { $found } items, at most { $number } is allowed
   *[other] has { $found } items, at most { $number } are allowed
}
check-not-a-text = must be a text, not { $found }
check-not-a-boolean = must be true or false, not { $found }
check-not-an-array-of-texts = must be an array of texts, not { $found }
check-out-of-range = must be a whole number from { $min } to { $max }, not { $found }
check-not-a-language = must be auto or an ISO 639-1 code, not { $found }
check-not-one-of = must be one of { $allowed }, not { $found }
check-not-a-time = must be a time such as 2026-11-20T12:00:00Z, not { $found }
check-not-a-cursor = must be a cursor that the server gave out
check-unknown = is not known
check-repeated = is given more than once
check-speaker-count = must be {"{"}"count": n{"}"} or {"{"}"min": n, "max": n{"}"}
check-count-and-limits = count goes without min and max
check-min-over-max = min { $min } is larger than max { $max }
