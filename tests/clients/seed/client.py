import requests
import websocket
import json
import time
import threading

class CallAnnotateClient:
    def __init__(self, base_url="http://localhost:8000"):
        self.base_url = base_url
        self.api_url = f"{base_url}/api/v1"
        
    def submit_job(self, audio_file_path, metadata=None):
        """Отправка файла на обработку"""
        with open(audio_file_path, 'rb') as f:
            files = {'file': f}
            data = {'metadata': json.dumps(metadata or {})}
            
            response = requests.post(
                f"{self.api_url}/jobs",
                files=files,
                data=data
            )
            response.raise_for_status()
            return response.json()
    
    def get_job_status(self, job_id):
        """Получение статуса задачи"""
        response = requests.get(f"{self.api_url}/jobs/{job_id}")
        response.raise_for_status()
        return response.json()
    
    def get_result(self, job_id):
        """Получение результата"""
        response = requests.get(f"{self.api_url}/jobs/{job_id}/result")
        response.raise_for_status()
        return response.json()
    
    def poll_until_complete(self, job_id, poll_interval=5):
        """Polling до завершения задачи"""
        while True:
            status = self.get_job_status(job_id)
            print(f"Status: {status['status']}")
            
            if status['status'] in ['completed', 'failed']:
                break
                
            time.sleep(poll_interval)
        
        if status['status'] == 'completed':
            return self.get_result(job_id)
        else:
            raise Exception(f"Job failed: {status}")

# Использование
client = CallAnnotateClient()

# Отправка файла
job = client.submit_job("recording.wav", {"description": "Test recording"})
print(f"Job created: {job['job_id']}")

# Ожидание завершения
result = client.poll_until_complete(job['job_id'])
print("Result:", json.dumps(result, indent=2, ensure_ascii=False))
