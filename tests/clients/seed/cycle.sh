# 1. Отправка файла на обработку
curl -X POST http://localhost:8000/api/v1/jobs \
  -F "file=@recording.wav" \
  -F 'metadata={"description":"Interview recording"}'

# Response: {"job_id": "550e8400-e29b-41d4-a716-446655440000", ...}

# 2. Проверка статуса
curl http://localhost:8000/api/v1/jobs/550e8400-e29b-41d4-a716-446655440000

# 3. Получение результата
curl http://localhost:8000/api/v1/jobs/550e8400-e29b-41d4-a716-446655440000/result

# 4. Удаление задачи
curl -X DELETE http://localhost:8000/api/v1/jobs/550e8400-e29b-41d4-a716-446655440000
