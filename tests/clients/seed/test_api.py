import pytest
import requests
import tempfile
import wave
import numpy as np

class TestCallAnnotateAPI:
    BASE_URL = "http://localhost:8000/api/v1"
    
    def create_test_audio(self, duration=5, sample_rate=16000):
        """Создание тестового аудиофайла"""
        samples = np.sin(2 * np.pi * 440 * np.linspace(0, duration, int(sample_rate * duration)))
        samples = (samples * 32767).astype(np.int16)
        
        with tempfile.NamedTemporaryFile(suffix='.wav', delete=False) as f:
            with wave.open(f.name, 'wb') as wf:
                wf.setnchannels(1)
                wf.setsampwidth(2)
                wf.setframerate(sample_rate)
                wf.writeframes(samples.tobytes())
            return f.name
    
    def test_health_check(self):
        response = requests.get(f"{self.BASE_URL.replace('/api/v1', '')}/health")
        assert response.status_code == 200
        assert response.json()['status'] == 'healthy'
    
    def test_submit_job(self):
        audio_file = self.create_test_audio()
        
        with open(audio_file, 'rb') as f:
            response = requests.post(
                f"{self.BASE_URL}/jobs",
                files={'file': f},
                data={'metadata': '{"test": true}'}
            )
        
        assert response.status_code == 201
        job = response.json()
        assert 'job_id' in job
        assert job['status'] == 'queued'
        
        return job['job_id']
    
    def test_job_status(self):
        job_id = self.test_submit_job()
        
        response = requests.get(f"{self.BASE_URL}/jobs/{job_id}")
        assert response.status_code == 200
        
        status = response.json()
        assert status['job_id'] == job_id
        assert status['status'] in ['queued', 'processing', 'completed', 'failed']
